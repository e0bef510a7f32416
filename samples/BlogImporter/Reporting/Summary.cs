using System.Globalization;
using Spectre.Console;

namespace BlogImporter;

/// <summary>The tables at the end.</summary>
internal static class Summary
{
    /// <summary>How many differences are listed; more are counted only.</summary>
    private const int MaxListed = 20;

    public static void Write(IAnsiConsole console, ImportTally tally, TimeSpan elapsed)
    {
        var commands = tally.Accepted;
        var table = new Table().Border(TableBorder.Rounded).AddColumn("Import").AddColumn(new TableColumn("").RightAligned());
        Row(table, "Posts", $"{tally.Posts:N0}");
        Row(table, "Edits in the history", $"{tally.Edits:N0}");
        Row(table, "Commands accepted", $"{commands:N0}");
        Row(table, "  appended an event", $"{tally.Appended:N0}");
        Row(table, "  repeated, first answer", $"{tally.Repeated:N0}");
        Row(table, "  changed nothing", $"{tally.Unchanged:N0}");
        Row(table, "Rejected", $"{tally.Rejected:N0}");
        Row(table, "Commands per second", $"{commands / Math.Max(elapsed.TotalSeconds, 0.001):N0}");
        Row(table, "Elapsed", $"{elapsed.TotalSeconds:N2} s");
        console.Write(table);
    }

    /// <summary>The rejections by reason; nothing where there are none.</summary>
    public static void WriteRejections(IAnsiConsole console, ImportTally tally)
    {
        if (tally.Rejected == 0)
        {
            return;
        }

        var table = new Table().Border(TableBorder.Rounded)
            .AddColumn("Rejected").AddColumn(new TableColumn("Count").RightAligned()).AddColumn("First").AddColumn("Where");
        foreach (var group in tally.Rejections)
        {
            var more = group.Count > group.Places.Count ? ", …" : "";
            table.AddRow(
                new Text(group.Reason),
                new Text(group.Count.ToString("N0", CultureInfo.InvariantCulture)),
                new Text(group.FirstExample),
                new Text(string.Join(", ", group.Places) + more));
        }

        console.Write(table);
    }

    /// <summary>What a verification found; where all is as it should be and the importer is quiet, nothing.</summary>
    public static void WriteVerification(IAnsiConsole console, string title, VerificationResult result, bool isQuiet)
    {
        if (!isQuiet || result.Differences.Count > 0)
        {
            var versions = result.Versions > 0 ? string.Create(CultureInfo.InvariantCulture, $", {result.Versions:N0} versions") : "";
            Line(console, string.Create(
                CultureInfo.InvariantCulture, $"{title}: {result.Posts:N0} posts{versions}, {result.Differences.Count:N0} differences."));
        }

        foreach (var difference in result.Differences.Take(MaxListed))
        {
            Line(console, $"  {difference.Post}: {difference.Message}");
        }

        if (result.Differences.Count > MaxListed)
        {
            Line(console, string.Create(CultureInfo.InvariantCulture, $"  and {result.Differences.Count - MaxListed:N0} more"));
        }
    }

    private static void Line(IAnsiConsole console, string text) => console.Write(new Text(text + "\n"));

    private static void Row(Table table, string name, FormattableString value) =>
        table.AddRow(new Text(name), new Text(value.ToString(CultureInfo.InvariantCulture)));
}
