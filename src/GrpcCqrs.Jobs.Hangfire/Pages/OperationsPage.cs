using GrpcCqrs.Storage.Jobs;
using Hangfire.Dashboard;
using Hangfire.Dashboard.Pages;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.Extensions.DependencyInjection;

namespace GrpcCqrs.Jobs.Hangfire.Pages;

/// <summary>The newest jobs, with their progress.</summary>
internal sealed class OperationsPage : RazorPage
{
    private const int MaxJobs = 50;

    public override void Execute()
    {
        var http = Context.GetHttpContext();
        var operations = http.RequestServices.GetRequiredService<JobOperations>();
        var clock = http.RequestServices.GetRequiredService<TimeProvider>();
        var token = http.RequestServices.GetRequiredService<IAntiforgery>().GetAndStoreTokens(http);

        // Hangfire's pages are synchronous.
        var jobs = operations.ListAsync(clock.GetUtcNow() + TimeSpan.FromDays(1), MaxJobs, CancellationToken.None).GetAwaiter().GetResult();
        Layout = new LayoutPage("Operations");
        WriteLiteral(JobPages.Refresh(jobs.Any(job => !job.HasEnded)));
        WriteLiteral(
            $"<h1 class=\"page-header\">Operations</h1><p><a class=\"btn btn-primary\" href=\"{Url.To(JobPages.New)}\">Start a job</a></p>"
            + "<table class=\"table\" id=\"jobs\"><thead><tr><th>Job</th><th>State</th><th style=\"width: 40%\">Progress</th><th>Started</th><th>Attempts</th></tr></thead><tbody>");
        foreach (var job in jobs)
        {
            var cancel = job.HasEnded || job.CancelledBy is not null
                ? ""
                : $"<form method=\"post\" action=\"{Url.To(JobPages.Cancel)}\">{JobPages.Hidden(token.FormFieldName, token.RequestToken)}{JobPages.Hidden("job", job.Id.ToString())}"
                    + "<button class=\"btn btn-default btn-xs\">Cancel</button></form>";
            WriteLiteral(
                $"<tr data-job=\"{job.Id}\" data-state=\"{job.State}\"><td>{JobPages.Encode(operations.Describe(job))}</td><td>{job.State}{cancel}</td>"
                + $"<td>{JobPages.Progress(job)}{JobPages.Encode(job.Message)}</td><td>{JobPages.Encode(job.User)}<br>{JobPages.Time(job.CreatedTime)}</td>"
                + JobPages.Text($"<td class=\"attempts\">{job.Attempts}</td></tr>"));
        }

        WriteLiteral("</tbody></table>");
    }
}
