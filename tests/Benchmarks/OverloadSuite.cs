using System.Diagnostics;
using Grpc.Core;

namespace Benchmarks;

/// <summary>
/// Twice the commands that the service can do, offered at a steady pace for a minute: what it still does, what it answers to the rest,
/// its memory, and when a lone command is quick again. Beside it the best that callers who wait can get, and the pace of that best.
/// Service and client are two processes with half of the machine's processors each, throughout: where they share, the cost of offering
/// twice as much is taken from the service.
/// </summary>
internal static class OverloadSuite
{
    internal const int Posts = 10_000;
    private const int DefaultSeconds = 60;
    private static readonly int[] Callers = [64, 256];
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan IdleLength = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan WarmUpLength = TimeSpan.FromSeconds(25);

    /// <summary>Where this is set, this program is the client, and the service has the processors that it names.</summary>
    private const string ServiceProcessors = "GRPCCQRS_BENCHMARK_SERVICE_PROCESSORS";

    public static Task RunAsync(BenchmarkOptions options) =>
        ApartAsync(options, MeasureAsync, "overload", "--seconds", $"{options.Seconds ?? DefaultSeconds}");

    /// <summary>Measures in a process that sees half of the processors, as the service sees the other half.</summary>
    /// <param name="options">What the command line asks for.</param>
    /// <param name="measure">What that process does, which comes here by itself.</param>
    /// <param name="suite">The command line that leads it here, but for the database and the build.</param>
    internal static async Task ApartAsync(BenchmarkOptions options, Func<BenchmarkOptions, Task> measure, params string[] suite)
    {
        if (Environment.GetEnvironmentVariable(ServiceProcessors) is { } processors)
        {
            await measure(options with { Processors = processors });
            return;
        }

        var half = Math.Max(1, Environment.ProcessorCount / 2);
        string[] arguments =
        [
            "-c", $"{Environment.ProcessorCount - half}-{Environment.ProcessorCount - 1}", "dotnet", typeof(OverloadSuite).Assembly.Location, .. suite,
            "--database", options.Database, .. options.Server is { } server ? (string[])["--server", server] : [],
        ];
        var start = new ProcessStartInfo("taskset", arguments) { Environment = { [ServiceProcessors] = $"0-{half - 1}" } };
        if (options.Database == BenchmarkDatabase.PostgreSql)
        {
            // A cluster that the client started would have the client's processors.
            start.Environment["GRPCCQRS_POSTGRESQL"] = BenchmarkDatabase.PostgreSqlServer;
        }

        using var client = Process.Start(start)!;
        await client.WaitForExitAsync();
        if (client.ExitCode != 0)
        {
            throw new InvalidOperationException($"The suite {suite[0]} ended with exit code {client.ExitCode}.");
        }
    }

    private static async Task MeasureAsync(BenchmarkOptions options)
    {
        await using var blog = await BlogUnderTest.StartAsync(options, Posts);
        using var flood = new CommandFlood(blog);
        await flood.ClosedAsync(Callers[^1], WarmUpLength);
        await blog.DrainAsync();
        var idle = await blog.EditsAsync(1, IdleLength);
        var before = await ClosedAsync(blog, flood);
        var pace = before.Max(each => each.AcceptedPerSecond);

        var once = await flood.OpenAsync(pace, Length);
        await blog.DrainAsync();
        var (recovery, drained, firstSecond) = (TimeSpan.Zero, TimeSpan.Zero, 0.0);
        var twice = await flood.OpenAsync(2 * pace, TimeSpan.FromSeconds(options.Seconds ?? DefaultSeconds), async () =>
        {
            var (clock, draining) = (Stopwatch.StartNew(), DrainAsync(blog));
            firstSecond = await RecoverAsync(blog, 2 * idle.P50);
            recovery = clock.Elapsed;
            drained = await draining;
        });
        await blog.DrainAsync();
        var after = await ClosedAsync(blog, flood);
        var best = before.Concat(after).Max(each => each.AcceptedPerSecond);

        var report = new Report("overload", options.Database);
        for (var index = 0; index < Callers.Length; index++)
        {
            Add($"closed_loop_{Callers[index]}", before[index], after[index]);
        }

        Add("open_loop_once", once);
        Add("open_loop_twice", twice, aim: "at least 0.90");
        report.Add("open_loop_twice_accepted_per_second", [twice.AcceptedPerSecond], "open loop once", [once.AcceptedPerSecond]);
        foreach (var (status, count) in twice.Answers)
        {
            report.Add($"open_loop_twice_{status}_answers", [count], "all", [twice.Answers.Values.Sum()], status is StatusCode.OK or StatusCode.ResourceExhausted ? "" : "none");
        }

        report.Add("open_loop_twice_held_back", [twice.HeldBack], "all", [twice.Answers.Values.Sum() + twice.HeldBack]);
        report.Add("refused_without_delay", [twice.WithoutDelay], aim: "none");
        report.Add("refused_p50_ms", [twice.RefusedTimes.Length == 0 ? 0 : Load.Milliseconds(twice.RefusedTimes, 0.50)]);
        report.Add("resident_first_10_s_mib", twice.ResidentMib.Take(10));
        report.Add("resident_last_10_s_mib", twice.ResidentMib.TakeLast(10), "first 10 s", twice.ResidentMib.Take(10), "1");
        report.Add("idle_p50_ms", [idle.P50]);
        report.Add("recovery_ms", [recovery.TotalMilliseconds], aim: "under 1000");
        report.Add("lone_p50_ms_first_second", [firstSecond]);
        report.Add("projections_drained_after_s", [drained.TotalSeconds]);
        report.Print();

        void Add(string figure, Flood one, Flood? other = null, string aim = "")
        {
            Flood[] both = other is null ? [one] : [one, other];
            report.Add($"{figure}_offered_per_second", both.Select(f => f.OfferedPerSecond));
            report.Add($"{figure}_accepted_per_second", both.Select(f => f.AcceptedPerSecond), "best closed loop", both.Select(_ => best), aim);
            report.Add($"{figure}_accepted_p50_ms", both.Select(f => Load.Milliseconds(f.AcceptedTimes, 0.50)));
            report.Add($"{figure}_accepted_p99_ms", both.Select(f => Load.Milliseconds(f.AcceptedTimes, 0.99)));
            report.Add($"{figure}_server_cores_busy", both.Select(f => f.ServerCores));
            report.Add($"{figure}_client_cores_busy", both.Select(f => f.ClientCores));
        }
    }

    private static async Task<Flood[]> ClosedAsync(BlogUnderTest blog, CommandFlood flood)
    {
        var floods = new List<Flood>();
        foreach (var callers in Callers)
        {
            floods.Add(await flood.ClosedAsync(callers, Length));
            await blog.DrainAsync();
        }

        return [.. floods];
    }

    /// <summary>How long the projections take until they have seen what was accepted.</summary>
    private static async Task<TimeSpan> DrainAsync(BlogUnderTest blog)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await blog.DrainAsync();
                return clock.Elapsed;
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted)
            {
                // The command that it waits for was refused.
            }
        }
    }

    /// <summary>One command after the other, until the median of the last ten is under a limit; a refused one counts as 10 s.</summary>
    /// <returns>The median of the commands that began in the first second, in milliseconds.</returns>
    private static async Task<double> RecoverAsync(BlogUnderTest blog, double limitMilliseconds)
    {
        var (clock, times, inFirstSecond) = (Stopwatch.StartNew(), new List<double>(), 0);
        while (times.Count < 10 || Median(times.TakeLast(10)) > limitMilliseconds)
        {
            var asked = clock.Elapsed;
            try
            {
                await blog.EditAsync(0, Random.Shared);
                times.Add((clock.Elapsed - asked).TotalMilliseconds);
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted)
            {
                times.Add(10_000);
            }

            inFirstSecond = asked < TimeSpan.FromSeconds(1) ? times.Count : inFirstSecond;
        }

        return Median(times.Take(inFirstSecond));

        static double Median(IEnumerable<double> values)
        {
            double[] ordered = [.. values.Order()];
            return ordered[ordered.Length / 2];
        }
    }
}
