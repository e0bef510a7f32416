using System.Diagnostics;
using System.Globalization;
using Grpc.Core;

namespace Benchmarks;

/// <summary>
/// Twice the commands that the service can do, offered at a steady pace for a minute: what it still does, what it answers to the rest,
/// its memory, and when a lone command is quick again. Beside it the best that callers who wait can get, and the pace of that best.
/// Service and client have half of the machine's processors each, throughout: where they share, the cost of offering twice as much is
/// taken from the service, and the figure says nothing of it.
/// </summary>
internal static class OverloadSuite
{
    private const int Posts = 10_000;
    private const int DefaultSeconds = 60;
    private static readonly int[] Callers = [64, 256, 1_024];
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan IdleLength = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(BenchmarkOptions options)
    {
        await using var blog = await BlogUnderTest.StartAsync(options, Posts);
        using var flood = new CommandFlood(blog);
        await PinAsync(blog.ProcessId, 0, (Environment.ProcessorCount / 2) - 1);
        await PinAsync(Environment.ProcessId, Environment.ProcessorCount / 2, Environment.ProcessorCount - 1);
        try
        {
            await MeasureAsync(options, blog, flood);
        }
        finally
        {
            await PinAsync(Environment.ProcessId, 0, Environment.ProcessorCount - 1);
        }
    }

    private static async Task MeasureAsync(BenchmarkOptions options, BlogUnderTest blog, CommandFlood flood)
    {
        foreach (var callers in Callers)
        {
            await flood.ClosedAsync(callers, IdleLength);
        }

        await blog.DrainAsync();
        var idle = await blog.EditsAsync(1, IdleLength);
        var before = await ClosedAsync(blog, flood);
        var best = before.MaxBy(each => each.AcceptedPerSecond)!;

        var once = await flood.OpenAsync(best.AcceptedPerSecond, 2 * Length);
        await blog.DrainAsync();
        var recovery = TimeSpan.Zero;
        var twice = await flood.OpenAsync(
            2 * best.AcceptedPerSecond, TimeSpan.FromSeconds(options.Seconds ?? DefaultSeconds), async () => recovery = await RecoverAsync(blog, 2 * idle.P50));
        var drain = Stopwatch.StartNew();
        await blog.DrainAsync();
        drain.Stop();
        var after = await ClosedAsync(blog, flood);

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

        report.Add("refused_without_delay", [twice.WithoutDelay], aim: "none");
        report.Add("refused_p50_ms", [twice.RefusedTimes.Length == 0 ? 0 : Load.Milliseconds(twice.RefusedTimes, 0.50)]);
        report.Add("resident_first_10_s_mib", twice.ResidentMib.Take(10));
        report.Add("resident_last_10_s_mib", twice.ResidentMib.TakeLast(10), "first 10 s", twice.ResidentMib.Take(10), "1");
        report.Add("idle_p50_ms", [idle.P50]);
        report.Add("recovery_ms", [recovery.TotalMilliseconds], aim: "under 1000");
        report.Add("projections_drained_after_s", [drain.Elapsed.TotalSeconds]);
        report.Print();

        void Add(string figure, Flood one, Flood? other = null, string aim = "")
        {
            Flood[] both = other is null ? [one] : [one, other];
            report.Add($"{figure}_offered_per_second", both.Select(f => f.OfferedPerSecond));
            report.Add($"{figure}_accepted_per_second", both.Select(f => f.AcceptedPerSecond), "best closed loop", both.Select(_ => best.AcceptedPerSecond), aim);
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

    /// <summary>Keeps all threads of a process, those to come included, on some processors; without effect where there is one.</summary>
    private static async Task PinAsync(int process, int first, int last)
    {
        if (Environment.ProcessorCount == 1)
        {
            return;
        }

        using var taskset = Process.Start(
            new ProcessStartInfo("taskset", ["-acp", string.Create(CultureInfo.InvariantCulture, $"{first}-{last}"), process.ToString(CultureInfo.InvariantCulture)])
            {
                RedirectStandardOutput = true, UseShellExecute = false,
            })!;
        await taskset.StandardOutput.ReadToEndAsync();
        await taskset.WaitForExitAsync();
        if (taskset.ExitCode != 0)
        {
            throw new InvalidOperationException("taskset failed.");
        }
    }

    /// <summary>One command after the other, until the median of the last ten is under a limit.</summary>
    private static async Task<TimeSpan> RecoverAsync(BlogUnderTest blog, double limitMilliseconds)
    {
        var (clock, last) = (Stopwatch.StartNew(), new Queue<double>());
        while (last.Count < 10 || last.Order().ElementAt(5) > limitMilliseconds)
        {
            var asked = clock.Elapsed;
            try
            {
                await blog.EditAsync(0, Random.Shared);
                last.Enqueue((clock.Elapsed - asked).TotalMilliseconds);
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted)
            {
                last.Enqueue(double.MaxValue);
            }

            if (last.Count > 10)
            {
                last.Dequeue();
            }
        }

        return clock.Elapsed;
    }
}
