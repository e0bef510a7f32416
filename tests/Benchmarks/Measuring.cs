using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Benchmarks;

/// <summary>What the command line asks for.</summary>
/// <param name="Database">Of the write database: <c>sqlite</c> or <c>postgresql</c>.</param>
/// <param name="Server">Another build's Blog.Server.dll, to compare builds; null for the one built with the benchmarks.</param>
/// <param name="Size">How many posts or events the store has, where a suite lets that be chosen; null for the suite's own figure.</param>
/// <param name="Seconds">How long a service is overloaded or a load is profiled; null for the suite's own figure.</param>
/// <param name="Load">The one load to profile; null for all.</param>
/// <param name="Processors">The processors that the service sees, such as <c>0-3</c>; null for all.</param>
/// <param name="Environment">Environment variables that the server under test has beside those of this process; null for none.</param>
internal sealed record BenchmarkOptions(
    string Database, string? Server, int? Size = null, int? Seconds = null, string? Load = null, string? Processors = null,
    IReadOnlyDictionary<string, string>? Environment = null)
{
    /// <summary>Gives those variables to a process that has not started yet.</summary>
    public void Equip(ProcessStartInfo start)
    {
        foreach (var (name, value) in Environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }
    }
}

/// <summary>What one stretch of load measured.</summary>
/// <param name="PerSecond">Answers a second, until the clock stopped.</param>
/// <param name="AnsweredPerSecond">Answers a second until the last answer, what had to be done afterwards not counted.</param>
/// <param name="P50">The median time to an answer, in milliseconds.</param>
/// <param name="P99">The time that 99 of 100 answers took at most, in milliseconds.</param>
/// <param name="CpuMicroseconds">Processor time of the server an answer; 0 where nobody asked.</param>
internal sealed record Sample(double PerSecond, double AnsweredPerSecond, double P50, double P99, double CpuMicroseconds);

/// <summary>Callers that each wait for an answer before they ask again.</summary>
internal static class Load
{
    /// <summary>Runs callers for a time.</summary>
    /// <param name="callers">How many.</param>
    /// <param name="length">How long none of them stops.</param>
    /// <param name="call">One call of one caller, which has a source of chance of its own.</param>
    /// <param name="finish">What must be done before the clock stops, such as to wait for the projections.</param>
    /// <param name="cpu">The server's processor time so far.</param>
    public static Task<Sample> RunAsync(
        int callers, TimeSpan length, Func<int, Random, Task> call, Func<Task>? finish = null, Func<TimeSpan>? cpu = null)
    {
        var clock = Stopwatch.StartNew();
        return RunAsync(callers, () => clock.Elapsed < length, call, finish, cpu);
    }

    /// <summary>Runs callers for as long as each is told to go on before a call; else as above.</summary>
    public static async Task<Sample> RunAsync(
        int callers, Func<bool> goesOn, Func<int, Random, Task> call, Func<Task>? finish = null, Func<TimeSpan>? cpu = null)
    {
        var cpuBefore = cpu?.Invoke() ?? TimeSpan.Zero;
        var clock = Stopwatch.StartNew();
        var times = await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var random = new Random(caller);
            var own = new List<long>();
            while (goesOn())
            {
                var asked = Stopwatch.GetTimestamp();
                await call(caller, random);
                own.Add(Stopwatch.GetTimestamp() - asked);
            }

            return own;
        })));
        var answered = clock.Elapsed.TotalSeconds;
        await (finish?.Invoke() ?? Task.CompletedTask);
        var seconds = clock.Elapsed.TotalSeconds;
        var taken = (cpu?.Invoke() ?? TimeSpan.Zero) - cpuBefore;
        long[] all = [.. times.SelectMany(own => own).Order()];
        return new Sample(all.Length / seconds, all.Length / answered, Milliseconds(all, 0.50), Milliseconds(all, 0.99), taken.TotalMicroseconds / all.Length);
    }

    /// <summary>Runs a number of calls, one after the other.</summary>
    public static Task<Sample> RepeatAsync(int count, Func<Task> call) => Task.Run(async () =>
    {
        var (clock, times) = (Stopwatch.StartNew(), new long[count]);
        for (var index = 0; index < count; index++)
        {
            var asked = Stopwatch.GetTimestamp();
            await call();
            times[index] = Stopwatch.GetTimestamp() - asked;
        }

        var rate = count / clock.Elapsed.TotalSeconds;
        Array.Sort(times);
        return new Sample(rate, rate, Milliseconds(times, 0.50), Milliseconds(times, 0.99), 0);
    });

    /// <summary>Starts calls at a steady pace, however long those before take (an open loop).</summary>
    /// <param name="perSecond">How many a second.</param>
    /// <param name="length">For how long.</param>
    /// <param name="call">One call; answers the times that it took, in stopwatch ticks, as many each time.</param>
    /// <returns>For each of those times the median and the 99th percentile, and how many calls a second were done.</returns>
    public static async Task<Sample[]> PacedAsync(int perSecond, TimeSpan length, Func<Task<long[]>> call)
    {
        var clock = Stopwatch.StartNew();
        var due = (int)(perSecond * length.TotalSeconds);
        var calls = new List<Task<long[]>>(due);
        while (calls.Count < due)
        {
            for (var now = Math.Min(due, clock.Elapsed.TotalSeconds * perSecond); calls.Count < now;)
            {
                calls.Add(Task.Run(call));
            }

            await Task.Delay(1);
        }

        var times = await Task.WhenAll(calls);
        var rate = due / clock.Elapsed.TotalSeconds;
        return [.. times[0].Select((_, index) =>
        {
            long[] ordered = [.. times.Select(each => each[index]).Order()];
            return new Sample(rate, rate, Milliseconds(ordered, 0.50), Milliseconds(ordered, 0.99), 0);
        })];
    }

    /// <summary>The time that a share of some took at most, in milliseconds.</summary>
    public static double Milliseconds(long[] ordered, double share) =>
        Stopwatch.GetElapsedTime(0, ordered[(int)((ordered.Length - 1) * share)]).TotalMilliseconds;
}

/// <summary>Things that are measured in turn, so that whatever else the machine does meets all of them.</summary>
internal static class Rounds
{
    /// <summary>How many of them count. Default 5; fewer only tell that a suite runs.</summary>
    public static int Count { get; set; } = 5;

    /// <summary>One round that does not count, in which the runtimes compile what is hot, and then those that do.</summary>
    public static async Task<T[][]> RunAsync<T>(params Func<Task<T>>[] measurements)
    {
        var measured = measurements.Select(_ => new T[Count]).ToArray();
        for (var round = -1; round < Count; round++)
        {
            for (var index = 0; index < measurements.Length; index++)
            {
                var sample = await measurements[index]();
                if (round >= 0)
                {
                    measured[index][round] = sample;
                }
            }
        }

        return measured;
    }
}

/// <summary>A suite's figures: one table, and one line of JSON a figure.</summary>
internal sealed class Report(string suite, string database)
{
    private readonly Table table = new Table().AddColumns("figure", "median", "lowest", "highest", "ceiling", "ratio", "lowest", "highest", "aim");
    private readonly List<string> lines = [];

    /// <summary>Adds a figure.</summary>
    /// <param name="figure">Its name, with the unit at its end.</param>
    /// <param name="values">Its values, a round each.</param>
    /// <param name="ceiling">The name of what it is held against; null for nothing.</param>
    /// <param name="ceilings">The ceiling's values of the same rounds.</param>
    /// <param name="aim">What the ratio, or a figure without one, should be.</param>
    public void Add(string figure, IEnumerable<double> values, string? ceiling = null, IEnumerable<double>? ceilings = null, string aim = "")
    {
        double[] own = [.. values];
        double[]? ratios = ceilings is null ? null : [.. own.Zip(ceilings, (value, most) => value / most)];
        table.AddRow(
        [
            figure, Text(Median(own)), Text(own.Min()), Text(own.Max()),
            ceiling ?? "", .. ratios is null ? ["", "", ""] : (string[])[Text(Median(ratios)), Text(ratios.Min()), Text(ratios.Max())], aim,
        ]);
        lines.Add(JsonSerializer.Serialize(new
        {
            suite,
            database,
            figure,
            value = Rounded(Median(own)),
            lowest = Rounded(own.Min()),
            highest = Rounded(own.Max()),
            ceiling,
            ratio = ratios is null ? (double?)null : Rounded(Median(ratios)),
            ratio_lowest = ratios is null ? (double?)null : Rounded(ratios.Min()),
            ratio_highest = ratios is null ? (double?)null : Rounded(ratios.Max()),
            rounds = own.Length,
        }));
    }

    public void Print()
    {
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 160);
        AnsiConsole.Write(table);
        lines.ForEach(Console.WriteLine);
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);

    // Three digits behind the point where the figure is small, none where it is large.
    private static double Rounded(double value) => Math.Round(value, Math.Abs(value) < 100 ? 3 : 0);

    private static string Text(double value) => Rounded(value).ToString(CultureInfo.InvariantCulture);
}
