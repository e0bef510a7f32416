using System.Globalization;
using GrpcCqrs.Storage;
using GrpcCqrs.Storage.Jobs;
using Hangfire.Dashboard;
using Hangfire.Dashboard.Pages;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace GrpcCqrs.Jobs.Hangfire.Pages;

/// <summary>Starts jobs and shows the newest records.</summary>
internal sealed class OperationsPage : RazorPage
{
    private const int MaxJobs = 50;

    public override void Execute()
    {
        var http = Context.GetHttpContext();
        var operations = http.RequestServices.GetRequiredService<JobOperations>();
        var clock = http.RequestServices.GetRequiredService<TimeProvider>();

        // Hangfire's pages are synchronous.
        var jobs = operations.ListAsync(clock.GetUtcNow() + TimeSpan.FromDays(1), MaxJobs, CancellationToken.None).GetAwaiter().GetResult();
        var refusal = http.Request.Query["refusal"].ToString();
        Layout = new LayoutPage("Operations");
        WriteLiteral(JobPages.Refresh(refusal.Length == 0 && jobs.Any(job => !job.HasEnded)));
        WriteLiteral("<h1 class=\"page-header\">Operations</h1>");
        if (refusal.Length > 0)
        {
            WriteLiteral($"<div class=\"alert alert-danger\" role=\"alert\">{JobPages.Encode(refusal)}</div>");
        }

        WriteForm(http);
        WriteLiteral(
            "<table class=\"table\" id=\"jobs\"><thead><tr><th>Job</th><th>State</th><th style=\"width: 40%\">Progress</th><th>Started</th><th>Attempts</th></tr></thead><tbody>");
        foreach (var job in jobs)
        {
            WriteLiteral(
                $"<tr data-job=\"{job.Id}\" data-state=\"{job.State}\"><td>{JobPages.Encode(operations.Describe(job))}</td><td>{job.State}</td>"
                + $"<td>{JobPages.Progress(job)}{JobPages.Encode(job.Message)}</td><td>{JobPages.Encode(job.User)}<br>{JobPages.Time(job.CreatedTime)}</td>"
                + JobPages.Text($"<td>{job.Attempts}</td></tr>"));
        }

        WriteLiteral("</tbody></table><p>A job is cancelled by deleting it on Hangfire's own pages. Its record is kept.</p>");
    }

    private void WriteForm(HttpContext http)
    {
        var services = http.RequestServices;
        var token = services.GetRequiredService<IAntiforgery>().GetAndStoreTokens(http);
        var names = services.GetRequiredService<ProjectionOperations>().Names;
        WriteLiteral(
            $"<form method=\"post\" action=\"{Url.To(JobPages.Start)}\" class=\"form-inline\" style=\"margin-bottom: 24px\">"
            + $"<input type=\"hidden\" name=\"{token.FormFieldName}\" value=\"{token.RequestToken}\">"
            + Field("kind", "Start", "<select name=\"kind\" id=\"kind\" class=\"form-control\">"
                + Option(JobKinds.Rebuild, "rebuild") + Option(JobKinds.Replay, "replay of streams") + Option(JobKinds.RetryParked, "retry of parked events")
                + Option(JobKinds.Audit, "audit of the read model") + Option(JobKinds.Verify, "verification of the event log") + "</select>")
            + Field("projection", "Projection", "<select name=\"projection\" id=\"projection\" class=\"form-control\">"
                + Option("", "all") + string.Concat(names.Select(name => Option(name, name))) + "</select>")
            + Field("stream", "Stream", "<input name=\"stream\" id=\"stream\" class=\"form-control\" placeholder=\"replay, retry\">")
            + Field("last-stream", "to", "<input name=\"last-stream\" id=\"last-stream\" class=\"form-control\" placeholder=\"replay of a range\">")
            + Field("sample", "Streams to audit", "<input name=\"sample\" id=\"sample\" type=\"number\" min=\"0\" class=\"form-control\" placeholder=\"all\" style=\"width: 7em\">")
            + "<label style=\"margin: 4px 12px\"><input type=\"checkbox\" name=\"hold\" value=\"true\"> hold on difference</label>"
            + "<button class=\"btn btn-primary\" id=\"start\">Start</button></form>");
    }

    private static string Field(string id, string label, string control) =>
        $"<div class=\"form-group\" style=\"margin: 4px 12px 4px 0\"><label for=\"{id}\">{label}</label> {control}</div>";

    private static string Option(string value, string text) => $"<option value=\"{JobPages.Encode(value)}\">{JobPages.Encode(text)}</option>";
}

/// <summary>Takes the form. Hangfire has checked the antiforgery token before.</summary>
internal sealed class StartJob : IDashboardDispatcher
{
    public async Task Dispatch(DashboardContext context)
    {
        var http = context.GetHttpContext();
        if (!HttpMethods.IsPost(http.Request.Method))
        {
            http.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }

        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        var refusal = "";
        try
        {
            await http.RequestServices.GetRequiredService<JobOperations>().StartAsync(form["kind"].ToString(), Arguments(form), UserOf(http), http.RequestAborted);
        }
        catch (Exception exception) when (exception is EventSourcing.RejectedException or ArgumentException or FormatException)
        {
            refusal = exception.Message;
        }

        http.Response.Redirect($"{http.Request.PathBase}{JobPages.Operations}{(refusal.Length > 0 ? QueryString.Create("refusal", refusal) : "")}");
    }

    private static JobArguments Arguments(IFormCollection form) => new()
    {
        Projections = TextOf(form, "projection") is { } name ? [name] : [],
        HoldOnDifference = form["hold"] == "true",
        Stream = TextOf(form, "stream"),
        LastStream = TextOf(form, "last-stream"),
        Sample = TextOf(form, "sample") is not { } text ? 0
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var sample) ? sample
            : throw new FormatException("Streams to audit must be a number, or empty for all."),
    };

    private static string? TextOf(IFormCollection form, string field) => form[field].ToString().Trim() is { Length: > 0 } text ? text : null;

    private static string UserOf(HttpContext http) => http.User.Identity?.Name ?? $"operator at {http.Connection.RemoteIpAddress}";
}
