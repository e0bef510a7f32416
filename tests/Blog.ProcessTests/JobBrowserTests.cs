using System.Reflection;
using Microsoft.Playwright;
using Xunit;

namespace Blog.ProcessTests;

/// <summary>The dashboard in a real browser. Screenshots are kept in <c>artifacts/screenshots</c>.</summary>
public sealed class JobBrowserTests : IDisposable
{
    private const string Chromium = "/usr/bin/chromium";
    private const int Posts = 800;

    private static readonly string Screenshots = Path.Combine(
        typeof(JobBrowserTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!, "artifacts", "screenshots");

    private readonly DirectoryInfo data = Directory.CreateTempSubdirectory("grpccqrs-browser-");

    public void Dispose() => CleanUp.DeleteDirectory(data.FullName);

    [LongFact]
    public async Task A_rebuild_is_started_and_watched_in_a_browser_and_ends_by_itself_after_SIGKILL()
    {
        Skip.If(!File.Exists(Chromium) && Environment.GetEnvironmentVariable("CI") != "true", "Debian's chromium is not installed.");
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Chromium,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
        await using var context = await browser.NewContextAsync(new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = 1280, Height = 900 } });
        var page = await context.NewPageAsync();
        page.SetDefaultTimeout((float)Patience.Limit.TotalMilliseconds);

        string[] slowly = ["--Projections:RebuildEventsPerSecond=100", "--Jobs:AuditSchedule=0 0 1 1 *", "--Jobs:VerifySchedule=0 0 1 1 *"];
        await using (var server = await ServerProcess.StartAsync(data.FullName, slowly))
        {
            await OperationsPage.CreatePostsAsync(server.GrpcAddress, Posts);
            await page.GotoAsync($"{server.HttpAddress}/hangfire/recurring");
            foreach (var name in new[] { "audit-read-model", "drain-outbox", "forget-old-records", "verify-event-log" })
            {
                await page.GetByText(name).First.WaitForAsync();
            }

            await ShootAsync(page, "recurring");
            await page.GetByRole(AriaRole.Link, new() { Name = "Operations" }).ClickAsync();
            await page.GetByRole(AriaRole.Link, new() { Name = "Start a job" }).ClickAsync();
            await page.GetByLabel("Job", new() { Exact = true }).SelectOptionAsync("rebuild");
            await page.GetByLabel("Projection").SelectOptionAsync("post_list");
            await ShootAsync(page, "start");
            await page.Locator("#start").ClickAsync();
            var progress = page.Locator("#jobs tr[data-state=Running] .progress-bar");
            await progress.WaitForAsync();

            // It moves, on a page that loads itself anew.
            var before = await progress.TextContentAsync();
            await page.WaitForFunctionAsync("before => { const bar = document.querySelector('#jobs .progress-bar'); return bar && bar.textContent !== before; }", before);
            await ShootAsync(page, "operations-running");

            // The job's own page in Hangfire shows the record.
            await page.GotoAsync($"{server.HttpAddress}/hangfire/jobs/processing");
            await page.GetByRole(AriaRole.Link, new() { Name = "Rebuild post_list" }).First.ClickAsync();
            await page.Locator("#job-record").GetByText("Running").WaitForAsync();
            await ShootAsync(page, "job-running");
            await server.KillAsync();
        }

        await using var restarted = await ServerProcess.StartAsync(data.FullName, slowly);
        await page.GotoAsync($"{restarted.HttpAddress}/hangfire/operations");
        await page.Locator("#jobs tr[data-state=Running]").WaitForAsync();
        var ended = page.Locator("#jobs tr[data-state=Succeeded]");
        await ended.WaitForAsync();
        Assert.Equal(1, await ended.CountAsync());
        Assert.Contains("post_list: rebuilt and switched.", await ended.TextContentAsync(), StringComparison.Ordinal);
        Assert.Equal("2", (await ended.Locator("td.attempts").TextContentAsync())!.Trim());
        await ShootAsync(page, "operations-ended");

        // A request that makes no sense is refused in words.
        await page.GetByRole(AriaRole.Link, new() { Name = "Start a job" }).ClickAsync();
        await page.GetByLabel("Job", new() { Exact = true }).SelectOptionAsync("replay");
        await page.GetByLabel("Stream", new() { Exact = true }).FillAsync("\"><script>");
        await page.Locator("#start").ClickAsync();
        await page.Locator(".alert-danger[role=alert]").GetByText("stream: Must be").WaitForAsync();
        Assert.Equal("replay", await page.GetByLabel("Job", new() { Exact = true }).InputValueAsync());
        Assert.Equal("\"><script>", await page.GetByLabel("Stream", new() { Exact = true }).InputValueAsync());
        await ShootAsync(page, "start-refused");

        // One that runs is cancelled.
        await page.GetByLabel("Job", new() { Exact = true }).SelectOptionAsync("rebuild");
        await page.GetByLabel("Stream", new() { Exact = true }).FillAsync("");
        await page.GetByLabel("Projection").SelectOptionAsync("post_details");
        await page.Locator("#start").ClickAsync();
        await page.Locator("#jobs tr[data-state=Running]").GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await page.Locator("#jobs tr[data-state=Cancelled]").WaitForAsync();
        await ShootAsync(page, "operations-cancelled");
    }

    private static Task ShootAsync(IPage page, string name) =>
        page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Screenshots, $"hangfire-{name}.png"), FullPage = true });
}
