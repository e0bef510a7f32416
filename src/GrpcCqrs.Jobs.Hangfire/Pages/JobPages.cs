using System.Globalization;
using System.Net;
using GrpcCqrs.Storage.Jobs;
using Hangfire;
using Hangfire.Dashboard;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Job = Hangfire.Common.Job;
using JobRecord = GrpcCqrs.Storage.Jobs.Job;

namespace GrpcCqrs.Jobs.Hangfire.Pages;

/// <summary>
/// The engine's additions to Hangfire's dashboard: a page to start and watch jobs, and the progress on a job's own
/// page.
/// </summary>
internal static class JobPages
{
    public const string Operations = "/operations";
    public const string New = "/operations/new";
    public const string Start = "/operations/start";
    public const string Cancel = "/operations/cancel";

    /// <summary>How often a page with unfinished jobs reloads itself, without script.</summary>
    private const int RefreshSeconds = 2;

    private static readonly Lock Gate = new();
    private static bool isRegistered;

    /// <summary>
    /// Hangfire registers pages per process, not per host, so they resolve everything from the request.
    /// </summary>
    public static void Register()
    {
        lock (Gate)
        {
            if (isRegistered)
            {
                return;
            }

            isRegistered = true;
            DashboardRoutes.Routes.AddRazorPage(Operations, _ => new OperationsPage());
            DashboardRoutes.Routes.AddRazorPage(New, _ => new StartPage());
            DashboardRoutes.Routes.Add(Start, new StartCommand());
            DashboardRoutes.Routes.Add(Cancel, new CancelCommand());
            NavigationMenu.Items.Add(page => new MenuItem("Operations", page.Url.To(Operations)) { Active = page.RequestPath.StartsWith(Operations, StringComparison.Ordinal) });
            GlobalConfiguration.Configuration.UseJobDetailsRenderer(10, RenderDetails);
        }
    }

    /// <summary>A job's name in Hangfire's lists.</summary>
    public static string NameOf(DashboardContext context, Job job)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (job.Type != typeof(JobEntry))
        {
            return job.Type == typeof(RecurringJobs) ? job.Method.Name.Replace("Async", "", StringComparison.Ordinal) : job.ToString();
        }

        // Hangfire's pages are synchronous.
        var operations = context.GetHttpContext().RequestServices.GetRequiredService<JobOperations>();
        return RecordOf(context, job) is { } record ? operations.Describe(record) : $"Job {job.Args[0]}";
    }

    public static string Encode(string? text) => WebUtility.HtmlEncode(text ?? "");

    public static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    public static string Hidden(string name, string? value) => $"<input type=\"hidden\" name=\"{name}\" value=\"{Encode(value)}\">";

    /// <summary>The operator's name: the signed-in user, otherwise the caller's address.</summary>
    public static string UserOf(HttpContext http) => http.User.Identity?.Name ?? $"operator at {http.Connection.RemoteIpAddress}";

    public static string Progress(JobRecord job)
    {
        if (job is { State: JobState.Pending } or { HasEnded: true } || job.Total == 0)
        {
            return "";
        }

        var percent = Math.Clamp(100.0 * job.Done / job.Total, 0, 100);
        return Text($"<div class=\"progress\" style=\"margin: 0 0 4px\"><div class=\"progress-bar\" role=\"progressbar\" aria-valuemin=\"0\" aria-valuemax=\"100\" aria-valuenow=\"{percent:F0}\" style=\"min-width: 4em; width: {percent:F1}%\">{percent:F1} %</div></div>");
    }

    public static string Refresh(bool isRefreshed) => isRefreshed ? Text($"<meta http-equiv=\"refresh\" content=\"{RefreshSeconds}\">") : "";

    public static string Time(DateTimeOffset time) => Text($"{time.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC");

    private static NonEscapedString RenderDetails(JobDetailsRendererDto details)
    {
        if (RecordOf(details.Page.Context, details.JobDetails.Job) is not { } job)
        {
            return new NonEscapedString("");
        }

        return new NonEscapedString(
            $"<h3>Record {job.Id}</h3>{Refresh(!job.HasEnded)}{Progress(job)}<table class=\"table\" id=\"job-record\">"
            + Row("State", job.State.ToString()) + Row("Message", job.Message)
            + Row("Done", job.Total > 0 ? Text($"{job.Done} of {job.Total}") : Text($"{job.Done}"))
            + Row("Started by", Text($"{job.User}, {Time(job.CreatedTime)}"))
            + Row("Attempts", Text($"{job.Attempts}")) + Row("Process", job.Owner)
            + Row("Last change", Time(job.UpdatedTime)) + Row("Ended", job.EndTime is { } end ? Time(end) : "")
            + (job.CancelledBy is { } user ? Row("Cancelled by", user) : "") + "</table>");
    }

    private static string Row(string name, string value) => $"<tr><th style=\"width: 10em\">{name}</th><td>{Encode(value)}</td></tr>";

    private static JobRecord? RecordOf(DashboardContext context, Job? job) => job?.Type == typeof(JobEntry) && job.Args is [Guid id, ..]
        ? context.GetHttpContext().RequestServices.GetRequiredService<JobOperations>().FindAsync(id, CancellationToken.None).GetAwaiter().GetResult()
        : null;
}
