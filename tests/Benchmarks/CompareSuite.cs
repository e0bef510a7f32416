using Blog.V1;

namespace Benchmarks;

/// <summary>
/// This build against another one that <c>--server</c> names: edits and reads by 64 callers, edits by one, and how long a query waits
/// for its token at a steady pace, all in turn. Without another build it is this one against itself, which tells how far two equal
/// figures lie apart.
/// </summary>
internal static class CompareSuite
{
    private const int Posts = 10_000;
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan ShortLength = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LagLength = TimeSpan.FromSeconds(8);

    public static async Task RunAsync(BenchmarkOptions options)
    {
        await using var other = await BlogUnderTest.StartAsync(options, Posts);
        await using var blog = await BlogUnderTest.StartAsync(options with { Server = null }, Posts);
        var (otherQueries, queries) = (QueryClients(other), QueryClients(blog));
        var measured = await Rounds.RunAsync(
            () => other.EditsAsync(BlogUnderTest.Callers, Length),
            () => blog.EditsAsync(BlogUnderTest.Callers, Length),
            () => other.EditsAsync(1, ShortLength),
            () => blog.EditsAsync(1, ShortLength),
            () => QueriesSuite.GetsAsync(other, otherQueries, ShortLength),
            () => QueriesSuite.GetsAsync(blog, queries, ShortLength),
            () => LagAsync(other, otherQueries),
            () => LagAsync(blog, queries));
        var report = new Report("compare", options.Database);
        Add("commands_per_second", 0, sample => sample.PerSecond);
        Add("answered_per_second", 0, sample => sample.AnsweredPerSecond);
        Add("server_cpu_us", 0, sample => sample.CpuMicroseconds);
        Add("p50_ms", 0, sample => sample.P50);
        Add("p99_ms", 0, sample => sample.P99);
        Add("one_caller_commands_per_second", 2, sample => sample.PerSecond);
        Add("one_caller_p50_ms", 2, sample => sample.P50);
        Add("one_caller_server_cpu_us", 2, sample => sample.CpuMicroseconds);
        Add("get_post_per_second", 4, sample => sample.PerSecond);
        Add("get_post_p99_ms", 4, sample => sample.P99);
        Add("get_post_server_cpu_us", 4, sample => sample.CpuMicroseconds);
        Add("lag_p50_ms", 6, sample => sample.P50);
        Add("lag_p99_ms", 6, sample => sample.P99);
        report.Print();

        void Add(string figure, int first, Func<Sample, double> value)
        {
            report.Add($"other_{figure}", measured[first].Select(value));
            report.Add(figure, measured[first + 1].Select(value), "other build", measured[first].Select(value));
        }
    }

    private static PostQueryService.PostQueryServiceClient[] QueryClients(BlogUnderTest blog) =>
        blog.Clients(channel => new PostQueryService.PostQueryServiceClient(channel));

    private static async Task<Sample> LagAsync(BlogUnderTest blog, PostQueryService.PostQueryServiceClient[] clients) =>
        (await LagSuite.EditAndGetAsync(blog, clients[0], LagLength))[1];
}
