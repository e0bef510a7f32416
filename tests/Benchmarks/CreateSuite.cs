namespace Benchmarks;

/// <summary>New posts by 64 callers against empty calls by 64 callers.</summary>
internal static class CreateSuite
{
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan CeilingLength = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(BenchmarkOptions options)
    {
        await using var echo = await EchoServer.StartAsync();
        await using var blog = await BlogUnderTest.StartAsync(options, posts: 100);
        var measured = await Rounds.RunAsync(
            () => echo.LoadAsync(BlogUnderTest.Callers, CeilingLength),
            () => blog.CreatesAsync(BlogUnderTest.Callers, Length));
        var (calls, creates) = (measured[0], measured[1]);

        var report = new Report("create", options.Database);
        report.Add("echo_calls_per_second", calls.Select(s => s.PerSecond));
        report.Add("creates_per_second", creates.Select(s => s.PerSecond), "echo", calls.Select(s => s.PerSecond), "at least 0.25");
        report.Add("answered_before_drain_per_second", creates.Select(s => s.AnsweredPerSecond), "echo", calls.Select(s => s.PerSecond));
        report.Add("server_cpu_us", creates.Select(s => s.CpuMicroseconds), "echo", calls.Select(s => s.CpuMicroseconds));
        report.Add("p50_ms", creates.Select(s => s.P50));
        report.Add("p99_ms", creates.Select(s => s.P99));
        report.Print();
    }
}
