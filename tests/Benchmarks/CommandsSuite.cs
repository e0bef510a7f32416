namespace Benchmarks;

/// <summary>
/// Edits by 64 callers against empty calls by 64 callers and against the bare database; edits by one caller against the bare
/// database's single-row commits.
/// </summary>
internal static class CommandsSuite
{
    private const int Posts = 10_000;
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan CeilingLength = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(BenchmarkOptions options)
    {
        await using var echo = await EchoServer.StartAsync();
        await using var raw = await RawDatabase.OpenAsync(options);
        await using var blog = await BlogUnderTest.StartAsync(options, Posts);
        var measured = await Rounds.RunAsync(
            () => echo.LoadAsync(BlogUnderTest.Callers, CeilingLength),
            () => blog.EditsAsync(BlogUnderTest.Callers, Length),
            () => raw.BatchesAsync(CeilingLength),
            () => blog.EditsAsync(1, CeilingLength),
            () => raw.SingleRowsAsync(CeilingLength),
            () => echo.LoadAsync(1, CeilingLength));
        var (calls, many, batches, one, singles, alone) = (measured[0], measured[1], measured[2], measured[3], measured[4], measured[5]);

        var report = new Report("commands", options.Database);
        report.Add("echo_calls_per_second", calls.Select(s => s.PerSecond));
        report.Add("echo_server_cpu_us", calls.Select(s => s.CpuMicroseconds));
        report.Add("commands_per_second", many.Select(s => s.PerSecond), "echo", calls.Select(s => s.PerSecond), "at least 0.30");
        report.Add("commands_per_second", many.Select(s => s.PerSecond), "raw batches of 100", batches.Select(s => s.PerSecond));
        report.Add("commands_per_second", many.Select(s => s.PerSecond), "one caller", one.Select(s => s.PerSecond), "at least 8");
        report.Add("answered_before_drain_per_second", many.Select(s => s.AnsweredPerSecond), "echo", calls.Select(s => s.PerSecond));
        report.Add("server_cpu_us", many.Select(s => s.CpuMicroseconds), "echo", calls.Select(s => s.CpuMicroseconds));
        report.Add("p50_ms", many.Select(s => s.P50));
        report.Add("p99_ms", many.Select(s => s.P99), aim: "under 25");
        report.Add("raw_batched_commands_per_second", batches.Select(s => s.PerSecond));
        report.Add("raw_single_row_p50_ms", singles.Select(s => s.P50));
        report.Add("one_caller_commands_per_second", one.Select(s => s.PerSecond));
        report.Add("one_caller_p50_ms", one.Select(s => s.P50), "raw single-row commit", singles.Select(s => s.P50), "at most 1.5");
        report.Add("one_caller_p50_ms", one.Select(s => s.P50), "echo, one caller", alone.Select(s => s.P50));
        report.Add("one_caller_server_cpu_us", one.Select(s => s.CpuMicroseconds));
        report.Print();
    }
}
