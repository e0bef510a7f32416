using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Spectre.Console;

namespace Benchmarks;

/// <summary>What a load did while it was recorded.</summary>
/// <param name="Name">The load's name.</param>
/// <param name="Service">The process of the service.</param>
/// <param name="Windows">When it ran.</param>
/// <param name="Calls">How many calls were answered then.</param>
/// <param name="ServiceTime">The processor time that the service took then, as the kernel counts it.</param>
internal sealed record ProfiledLoad(string Name, int Service, IReadOnlyList<Window> Windows, double Calls, TimeSpan ServiceTime);

/// <summary>Where the processor time went: a table of parts and kinds of code, what was asked of the kernel, and a line of JSON a part.</summary>
internal sealed partial class ProfileReport(ProfiledLoad load, string database)
{
    /// <summary>So many a part, of those that have at least the share of all.</summary>
    private const int MostNames = 10;
    private const double LeastShare = 0.001;

    private readonly Dictionary<(string Part, string Kind), int> kinds = [];
    private readonly Dictionary<(string Part, string Call), int> calls = [];
    private readonly Dictionary<(string Part, string Thread), int> others = [];
    private int busy;
    private int ofService;

    /// <summary>Counts a sample.</summary>
    public void Add(PerfSample sample)
    {
        if (ProfileParts.PartOf(sample, load.Service) is not { } part)
        {
            return;
        }

        busy++;
        ofService += sample.Process == load.Service ? 1 : 0;
        Count(kinds, (part, ProfileParts.KindOf(sample)));
        if (part == ProfileParts.OtherProcesses)
        {
            Count(others, (part, sample.Thread));
        }

        if (ProfileParts.CallOf(sample) is { } call)
        {
            Count(calls, (part, call));
        }

        static void Count(Dictionary<(string, string), int> counts, (string, string) key) => counts[key] = counts.GetValueOrDefault(key) + 1;
    }

    public void Print()
    {
        if (busy == 0 || load.Calls <= 0)
        {
            throw new InvalidOperationException($"The load {load.Name} left nothing to count: {busy} samples, {load.Calls} calls.");
        }

        var seconds = load.Windows.Sum(window => window.Length.TotalSeconds);
        var cores = File.ReadLines("/proc/stat").Count(line => Core().IsMatch(line));
        var idle = Math.Max(0, (seconds * cores) - Seconds(busy));
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 180);
        AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"profile of {load.Name} on {database}: {load.Calls:F0} calls in {seconds:F1} s, {load.Calls / seconds:F0}/s; {busy} samples, {Seconds(busy):F1} of {seconds * cores:F1} core seconds busy"));
        AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"the service: {Microseconds(Seconds(ofService)):F1} us a call here, {Microseconds(load.ServiceTime.TotalSeconds):F1} as the kernel counts"));
        PrintParts(idle);
        PrintCalls();
        PrintLines(idle);
    }

    private void PrintParts(double idle)
    {
        var table = new Table().AddColumns("part", "share of busy", "us a call").AddColumns([.. ProfileParts.Kinds.Select(kind => $"{kind}, %")]);
        for (var column = 1; column < table.Columns.Count; column++)
        {
            table.Columns[column].RightAligned();
        }

        foreach (var part in SeenParts())
        {
            var samples = Samples(part);
            table.AddRow(
            [
                part, $"{Percent(samples)} %", Text(Microseconds(Seconds(samples))),
                .. ProfileParts.Kinds.Select(kind => kinds.GetValueOrDefault((part, kind)) is > 0 and var count ? Percent(count) : ""),
            ]);
        }

        table.AddRow(
        [
            "all", "100 %", Text(Microseconds(Seconds(busy))),
            .. ProfileParts.Kinds.Select(kind => Percent(kinds.Where(each => each.Key.Kind == kind).Sum(each => each.Value))),
        ]);
        table.AddRow("idle", "", Text(Microseconds(idle)));
        AnsiConsole.Write(table);
    }

    private void PrintCalls()
    {
        var table = new Table().AddColumns("part", "in the kernel for, % of busy");
        foreach (var part in SeenParts())
        {
            if (Most(calls, part) is { Length: > 0 } most)
            {
                table.AddRow(part, Markup.Escape(most));
            }
        }

        AnsiConsole.Write(table);
        if (Most(others, ProfileParts.OtherProcesses) is { Length: > 0 } strangers)
        {
            Console.WriteLine($"other processes, % of busy: {strangers}");
        }
    }

    private void PrintLines(double idle)
    {
        foreach (var part in SeenParts())
        {
            var samples = Samples(part);
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                suite = "profile",
                database,
                load = load.Name,
                part,
                share = Math.Round((double)samples / busy, 4),
                us_per_call = Math.Round(Microseconds(Seconds(samples)), 3),
                kinds = ProfileParts.Kinds
                    .Where(kind => kinds.ContainsKey((part, kind)))
                    .ToDictionary(kind => kind, kind => Math.Round((double)kinds[(part, kind)] / busy, 4)),
            }));
        }

        Console.WriteLine(JsonSerializer.Serialize(new
        {
            suite = "profile", database, load = load.Name, part = "idle", share = (double?)null, us_per_call = Math.Round(Microseconds(idle), 3),
        }));
    }

    private string Most(Dictionary<(string Part, string Name), int> counts, string part) => string.Join(", ", counts
        .Where(each => each.Key.Part == part && each.Value >= LeastShare * busy)
        .OrderByDescending(each => each.Value).Take(MostNames)
        .Select(each => $"{each.Key.Name} {Percent(each.Value)}"));

    private IEnumerable<string> SeenParts() => ProfileParts.All.Where(part => Samples(part) > 0);

    private int Samples(string part) => kinds.Where(each => each.Key.Part == part).Sum(each => each.Value);

    private static double Seconds(int samples) => (double)samples / PerfRecording.LooksPerSecond;

    private double Microseconds(double seconds) => seconds * 1e6 / load.Calls;

    private string Percent(int samples) => (100.0 * samples / busy).ToString("F1", CultureInfo.InvariantCulture);

    private static string Text(double microseconds) => microseconds.ToString(microseconds < 100 ? "F2" : "F0", CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^cpu\d", RegexOptions.None, 1_000)]
    private static partial Regex Core();
}
