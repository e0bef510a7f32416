namespace Benchmarks;

/// <summary>
/// Whether group commit pays: commands a second of 64 callers against those of one caller, first on the service as a process through
/// gRPC, then on the command bus in this process. One caller waits for a flush of its own each time; 64 share theirs.
/// </summary>
internal static class GroupCommitSuite
{
    private const int Posts = 1_000;
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(4);

    public static async Task RunAsync(BenchmarkOptions options)
    {
        var report = new Report("group-commit", options.Database);
        await using (var blog = await BlogUnderTest.StartAsync(options, Posts))
        {
            Add(report, "grpc", await Rounds.RunAsync(() => blog.EditsAsync(1, Length), () => blog.EditsAsync(BlogUnderTest.Callers, Length)));
        }

        await using (var bus = await InProcessBlog.StartAsync(options, Posts))
        {
            Add(report, "bus", await Rounds.RunAsync(() => bus.EditsAsync(1, Length), () => bus.EditsAsync(BlogUnderTest.Callers, Length)));
        }

        report.Print();
    }

    private static void Add(Report report, string through, Sample[][] measured)
    {
        report.Add($"{through}_one_caller_commands_per_second", measured[0].Select(s => s.PerSecond));
        report.Add(
            $"{through}_commands_per_second", measured[1].Select(s => s.PerSecond), "one caller", measured[0].Select(s => s.PerSecond),
            through == "grpc" ? "at least 8" : "");
    }
}
