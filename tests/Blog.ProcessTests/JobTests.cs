using System.Globalization;
using System.Net;
using Grpc.Net.Client;
using GrpcCqrs.Operations.V1;
using GrpcCqrs.Storage.Tests;
using Xunit;
using Xunit.Abstractions;

namespace Blog.ProcessTests;

/// <summary>Jobs in processes that are killed, and in two processes at once.</summary>
public sealed class JobTests(WholePostgreSqlFixture postgreSql, ITestOutputHelper output) : IClassFixture<WholePostgreSqlFixture>, IDisposable
{
    private const int Posts = 400;
    private const int Kills = 4;

    /// <summary>No job but those of the test.</summary>
    private static readonly string[] Unscheduled = ["--Jobs:AuditSchedule=", "--Jobs:VerifySchedule="];

    private readonly DirectoryInfo data = Directory.CreateTempSubdirectory("grpccqrs-jobs-");
    private readonly CancellationTokenSource limit = new(5 * Patience.Limit);

    public void Dispose()
    {
        limit.Dispose();
        CleanUp.DeleteDirectory(data.FullName);
    }

    [LongTheory]
    [InlineData("Sqlite")]
    [InlineData("PostgreSql")]
    public async Task Every_kind_of_job_ends_however_often_its_process_is_killed(string database)
    {
        var settings = SettingsOf(database);
        await using (var server = await ServerProcess.StartAsync(data.FullName, settings))
        {
            await OperationsPage.CreatePostsAsync(server.GrpcAddress, Posts);
            using var page = new OperationsPage(server);
            await page.StartAsync("rebuild");
            await page.StartAsync("replay", ("stream", "post-0"), ("last-stream", "post-z"), ("projection", "post_details"));
            await page.StartAsync("audit");
            await page.StartAsync("retry-parked");
            await page.StartAsync("verify");
            await page.UntilAsync(jobs => jobs.Any(job => job.State == "Running"), limit.Token);
            await server.KillAsync();
        }

        for (var kill = 1; kill < Kills; kill++)
        {
            await using var killed = await ServerProcess.StartAsync(data.FullName, settings);
            await Task.Delay(Random.Shared.Next(1_500), limit.Token);
            await killed.KillAsync();
        }

        await using var last = await ServerProcess.StartAsync(data.FullName, settings);
        using var watched = new OperationsPage(last);
        var ended = await watched.UntilAsync(jobs => jobs.Count == 5 && jobs.All(job => job.State is not ("Pending" or "Running")), limit.Token);
        foreach (var job in ended)
        {
            output.WriteLine($"{job.State}, {job.Attempts} attempts: {job.Text}");
        }

        Assert.All(ended, job => Assert.Equal("Succeeded", job.State));
        Assert.Contains(ended, job => job.Attempts > 1);
        using var channel = GrpcChannel.ForAddress(last.GrpcAddress);
        var overview = await new OperationsService.OperationsServiceClient(channel).ListProjectionsAsync(new());
        Assert.All(overview.Projections, projection => Assert.Contains(projection.Generations, set => set.State == TableGenerationState.Live && set.Position == Posts));
        Assert.DoesNotContain(overview.Projections, projection => projection.Generations.Any(set => set.State == TableGenerationState.Building));
    }

    [LongFact]
    public async Task Of_two_processes_on_one_PostgreSQL_one_runs_a_job_and_the_other_takes_over_when_that_is_killed()
    {
        // Slow, so that a third process can start meanwhile.
        string[] settings = [.. SettingsOf("PostgreSql"), "--Projections:RebuildEventsPerSecond=20"];
        await using var first = await ServerProcess.StartAsync(data.CreateSubdirectory("first").FullName, settings);
        await using var second = await ServerProcess.StartAsync(data.CreateSubdirectory("second").FullName, settings);
        await OperationsPage.CreatePostsAsync(first.GrpcAddress, Posts);
        using var page = new OperationsPage(second);

        // One that ends: a third process that starts meanwhile enqueues it again, and leaves it to its owner.
        await page.StartAsync("rebuild", ("projection", "post_list"));
        await page.UntilAsync(jobs => jobs is [{ State: "Running" }], limit.Token);
        await using (var third = await ServerProcess.StartAsync(data.CreateSubdirectory("third").FullName, settings))
        {
            var once = Assert.Single(await page.UntilAsync(jobs => jobs is [{ State: "Succeeded" }], limit.Token));
            Assert.Equal(1, once.Attempts);
            Assert.Equal(1, new[] { first, second, third }.Sum(server => Begun(server, once.Id)));
        }

        // One whose process is killed.
        await page.StartAsync("rebuild", ("projection", "post_details"));
        var job = (await page.UntilAsync(jobs => jobs[0] is { State: "Running" }, limit.Token))[0];
        var owner = await OwnerAsync(job.Id, first, second);
        await owner.KillAsync();
        var survivor = owner == first ? second : first;
        using var survivorsPage = new OperationsPage(survivor);
        ShownJob ended;
        try
        {
            ended = (await survivorsPage.UntilAsync(jobs => jobs[0] is { State: "Succeeded" }, limit.Token))[0];
        }
        catch (OperationCanceledException)
        {
            output.WriteLine($"{string.Join('\n', await survivorsPage.ReadAsync())}\n\n{survivor.Output}");
            throw;
        }

        Assert.Equal((job.Id, 2), (ended.Id, ended.Attempts));
        Assert.Equal(1, Begun(survivor, job.Id));
    }

    [LongFact]
    public async Task The_dashboard_is_for_callers_on_this_machine()
    {
        await using var server = await ServerProcess.StartAsync(data.FullName, Unscheduled);
        using var http = new HttpClient { BaseAddress = new Uri(server.HttpAddress) };
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(HttpMethod.Get, "/hangfire"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(HttpMethod.Get, "/hangfire/recurring"));

        // A proxy on this machine speaks for somebody else; a site whose name leads here is not this machine either.
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(HttpMethod.Get, "/hangfire", ("X-Forwarded-For", "203.0.113.1")));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(HttpMethod.Get, "/hangfire", ("Forwarded", "for=203.0.113.1")));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(HttpMethod.Get, "/hangfire/operations", ("Host", "rebound.example")));

        // A form of another page has no token.
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(HttpMethod.Post, "/hangfire/operations/start"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(HttpMethod.Post, "/hangfire/recurring/trigger"));
        using var page = new OperationsPage(server);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => page.StartAsync("replay", ("stream", "<b>no stream</b>")));
        Assert.Contains("stream", refused.Message, StringComparison.Ordinal);
        Assert.Empty(await page.ReadAsync());

        async Task<HttpStatusCode> StatusAsync(HttpMethod method, string path, params (string Name, string Value)[] headers)
        {
            using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
            foreach (var (name, value) in headers)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            using var answer = await http.SendAsync(request);
            return answer.StatusCode;
        }
    }

    private string[] SettingsOf(string database) =>
    [
        "--Projections:RebuildEventsPerSecond=60", "--Jobs:ResumeInterval=00:00:01", .. Unscheduled,
        .. database == "Sqlite" ? [] : postgreSql.NewStore().Where(setting => setting.Key != "Storage:Directory").Select(setting => $"--{setting.Key}={setting.Value}"),
    ];

    /// <summary>How often a process has begun a job.</summary>
    private static int Begun(ServerProcess server, Guid job) =>
        server.Output.Split('\n').Count(line => line.Contains(string.Create(CultureInfo.InvariantCulture, $"{job} begins"), StringComparison.Ordinal));

    private async Task<ServerProcess> OwnerAsync(Guid job, ServerProcess first, ServerProcess second)
    {
        while (true)
        {
            if (Begun(first, job) + Begun(second, job) > 0)
            {
                return Begun(first, job) > 0 ? first : second;
            }

            await Task.Delay(20, limit.Token);
        }
    }
}
