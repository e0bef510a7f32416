using System.Diagnostics;
using Blog.V1;

namespace Benchmarks;

/// <summary>
/// How long after a command's answer a query with its token is answered, at a steady 500 commands a second; beside it, in the same
/// seconds, empty calls and queries without a token, which tell what of that is the call and the query.
/// </summary>
internal static class LagSuite
{
    private const int Posts = 10_000;
    private const int CommandsPerSecond = 500;
    private const int BesidePerSecond = 100;
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(30);

    public static async Task RunAsync(BenchmarkOptions options)
    {
        await using var echo = await EchoServer.StartAsync();
        await using var blog = await BlogUnderTest.StartAsync(options, Posts);
        await blog.DrainAsync();
        var client = blog.Clients(channel => new PostQueryService.PostQueryServiceClient(channel))[0];

        var rounds = (await Rounds.RunAsync(async () =>
        {
            var cpu = blog.CpuTime;
            var beside = Load.PacedAsync(BesidePerSecond, Length, async () => [await TimeAsync(echo.CallAsync), await TimeAsync(() => GetAsync(client, PostAtRandom(), ""))]);
            var commands = await EditAndGetAsync(blog, client, Length);
            var (command, lag, others) = (commands[0], commands[1], await beside);
            var taken = (blog.CpuTime - cpu) / Length;
            return (Command: command, Lag: lag, Echo: others[0], Query: others[1], Cores: taken);
        }))[0];

        var report = new Report("lag", options.Database);
        report.Add("commands_per_second", rounds.Select(r => r.Lag.PerSecond), aim: "500");
        report.Add("lag_p50_ms", rounds.Select(r => r.Lag.P50), "echo beside", rounds.Select(r => r.Echo.P50));
        report.Add("lag_p50_ms", rounds.Select(r => r.Lag.P50), "query without token", rounds.Select(r => r.Query.P50));
        report.Add("lag_p50_ms", rounds.Select(r => r.Lag.P50), aim: "under 5");
        report.Add("lag_p99_ms", rounds.Select(r => r.Lag.P99), aim: "under 20");
        report.Add("command_p50_ms", rounds.Select(r => r.Command.P50));
        report.Add("command_p99_ms", rounds.Select(r => r.Command.P99));
        report.Add("echo_p50_ms", rounds.Select(r => r.Echo.P50));
        report.Add("echo_p99_ms", rounds.Select(r => r.Echo.P99));
        report.Add("query_without_token_p50_ms", rounds.Select(r => r.Query.P50));
        report.Add("query_without_token_p99_ms", rounds.Select(r => r.Query.P99));
        report.Add("server_cores_busy", rounds.Select(r => r.Cores));
        report.Print();

        string PostAtRandom() => blog.Posts[Random.Shared.Next(blog.Posts.Length)];
    }

    /// <summary>Commands at a steady pace, each with a query that sees it; how long the first took, and the second.</summary>
    public static Task<Sample[]> EditAndGetAsync(BlogUnderTest blog, PostQueryService.PostQueryServiceClient client, TimeSpan length) =>
        Load.PacedAsync(CommandsPerSecond, length, async () =>
        {
            var asked = Stopwatch.GetTimestamp();
            var (post, token) = await blog.EditAsync(0, Random.Shared);
            var answered = Stopwatch.GetTimestamp();
            return [answered - asked, await TimeAsync(() => GetAsync(client, post, token))];
        });

    private static Task GetAsync(PostQueryService.PostQueryServiceClient client, string post, string token) =>
        client.GetPostAsync(new GetPostRequest { PostId = post, ConsistencyToken = token }).ResponseAsync;

    private static async Task<long> TimeAsync(Func<Task> call)
    {
        var asked = Stopwatch.GetTimestamp();
        await call();
        return Stopwatch.GetTimestamp() - asked;
    }
}
