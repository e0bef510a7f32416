using System.Globalization;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Jobs;
using GrpcCqrs.Storage.Projections;
using Hangfire.Dashboard;
using Hangfire.Dashboard.Pages;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace GrpcCqrs.Jobs.Hangfire.Pages;

/// <summary>The form to start a job. Rejected input is returned in the query string, with the reason.</summary>
internal sealed class StartPage : RazorPage
{
    public override void Execute()
    {
        var http = Context.GetHttpContext();
        var token = http.RequestServices.GetRequiredService<IAntiforgery>().GetAndStoreTokens(http);
        var names = http.RequestServices.GetRequiredService<ProjectionOperations>().Names;
        Layout = new LayoutPage("Start a job");
        WriteLiteral("<h1 class=\"page-header\">Start a job</h1>");
        if (Given("refusal") is { Length: > 0 } refusal)
        {
            WriteLiteral($"<div class=\"alert alert-danger\" role=\"alert\">{JobPages.Encode(refusal)}</div>");
        }

        WriteLiteral($"<form method=\"post\" action=\"{Url.To(JobPages.Start)}\" style=\"max-width: 36em\">{JobPages.Hidden(token.FormFieldName, token.RequestToken)}");
        WriteSelect("kind", "Job", [
            (JobKinds.Rebuild, "Rebuild: fill new tables beside the live ones and switch"),
            (JobKinds.Replay, "Replay: fold streams anew within the live tables"),
            (JobKinds.RetryParked, "Retry parked events"),
            (JobKinds.Audit, "Audit: compare the live tables with the events"),
            (JobKinds.Verify, "Verify the event log's hash chain"),
        ]);
        WriteSelect("projection", "Projection", [("", "all"), .. names.Select(name => (name, name))]);
        WriteInput("stream", "Stream", "replay, retry: such as post-0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11");
        WriteInput("last-stream", "Last stream", "replay: the end of a range");
        WriteInput("sample", "Streams to audit", "audit: how many are drawn; empty for all");
        var isHolding = Given("hold") == "true" ? " checked" : "";
        WriteLiteral(
            $"<div class=\"checkbox\"><label><input type=\"checkbox\" name=\"hold\" value=\"true\"{isHolding}> Rebuild: a difference from the live tables awaits approval</label></div>"
            + "<button class=\"btn btn-primary\" id=\"start\">Start</button></form>");
    }

    private string Given(string name) => Context.GetHttpContext().Request.Query[name].ToString();

    private void WriteSelect(string name, string label, IEnumerable<(string Value, string Text)> options)
    {
        var chosen = Given(name);
        var items = options.Select(option =>
            $"<option value=\"{JobPages.Encode(option.Value)}\"{(option.Value == chosen ? " selected" : "")}>{JobPages.Encode(option.Text)}</option>");
        WriteLiteral($"<div class=\"form-group\"><label for=\"{name}\">{label}</label><select name=\"{name}\" id=\"{name}\" class=\"form-control\">{string.Concat(items)}</select></div>");
    }

    private void WriteInput(string name, string label, string hint) => WriteLiteral(
        $"<div class=\"form-group\"><label for=\"{name}\">{label}</label>"
        + $"<input name=\"{name}\" id=\"{name}\" class=\"form-control\" value=\"{JobPages.Encode(Given(name))}\" placeholder=\"{hint}\"></div>");
}

/// <summary>Handles the submitted form. Hangfire has already checked the antiforgery token.</summary>
internal sealed class StartCommand : IDashboardDispatcher
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
        try
        {
            await http.RequestServices.GetRequiredService<JobOperations>().StartAsync(form["kind"].ToString(), Arguments(form), JobPages.UserOf(http), http.RequestAborted);
            http.Response.Redirect($"{http.Request.PathBase}{JobPages.Operations}");
        }
        catch (Exception exception) when (exception is RejectedException or ArgumentException or FormatException)
        {
            var given = new[] { "kind", "projection", "stream", "last-stream", "sample", "hold" }.Select(name => KeyValuePair.Create(name, (string?)form[name].ToString()));
            http.Response.Redirect($"{http.Request.PathBase}{JobPages.New}{QueryString.Create([.. given, KeyValuePair.Create("refusal", (string?)exception.Message)])}");
        }
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
}

/// <summary>Cancels a job.</summary>
internal sealed class CancelCommand : IDashboardDispatcher
{
    public async Task Dispatch(DashboardContext context)
    {
        var http = context.GetHttpContext();
        if (!HttpMethods.IsPost(http.Request.Method) || !Guid.TryParse((await http.Request.ReadFormAsync(http.RequestAborted))["job"], out var id))
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        await http.RequestServices.GetRequiredService<JobOperations>().CancelAsync(id, JobPages.UserOf(http), http.RequestAborted);
        http.Response.Redirect($"{http.Request.PathBase}{JobPages.Operations}");
    }
}
