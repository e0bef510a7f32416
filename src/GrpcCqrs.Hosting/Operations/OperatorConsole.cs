using System.Globalization;
using GrpcCqrs.Hosting.Operations;
using GrpcCqrs.Storage.Operations;
using GrpcCqrs.Storage.Projections;

namespace GrpcCqrs.Hosting;

/// <summary>The operator's commands about projections, printed as text. Each returns the exit code.</summary>
internal sealed class OperatorConsole(ProjectionOperations operations, ParkedEventOperations parking, TextWriter output)
{
    /// <summary>How many streams an audit samples by default.</summary>
    public const int SampleSize = 100;

    /// <summary>More than an operator reads. If there are more, the output says so.</summary>
    private const int MaxParked = 200;

    /// <summary>How long an audit may make no progress before it is assumed that no service is running.</summary>
    private static readonly TimeSpan SilenceLimit = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    private static string User => $"{Environment.UserName} on the command line";

    public async Task<int> PrintProjectionsAsync()
    {
        var overview = await operations.ReadAsync(CancellationToken.None);
        await WriteAsync($"newest event {overview.Head}; projector {(overview.Holder.Length > 0 ? overview.Holder : "none")}");
        await PrintTableAsync(
            ["projection", "generation", "state", "version", "position", "behind", "per s", "left", "parked", "note"],
            OperationsMapping.ByProjection(overview.Generations).SelectMany(group => group).Select(set => (string[])
            [
                set.Name, Text($"{set.Generation}"), Text($"{set.State}"), Text($"{set.Version}"), Text($"{set.Position}"),
                Text($"{Math.Max(0, overview.Head - set.Position)}"), Text($"{set.EventsPerSecond:F0}"),
                OperationsMapping.TimeLeft(set, overview.Head) is { } left ? Text($"{TimeSpan.FromSeconds(Math.Ceiling(left.TotalSeconds)):c}") : "",
                Text($"{set.ParkedEvents}"), set.Note?.ReplaceLineEndings("; ") ?? "",
            ]));
        return 0;
    }

    public async Task<int> RebuildAsync(IReadOnlyList<string> names, bool isHolding)
    {
        await operations.RebuildAsync(names, isHolding, User, CancellationToken.None);
        await WriteAsync($"the rebuild of {(names.Count == 0 ? "all projections" : string.Join(", ", names))} has begun; `projections` follows it");
        return 0;
    }

    public async Task<int> PrintParkedAsync(string reader)
    {
        var events = await parking.ListAsync(reader.Length > 0 ? ReaderOf(reader) : "", (0, ""), MaxParked + 1, CancellationToken.None);
        await PrintTableAsync(
            ["reader", "position", "stream", "type", "attempts", "error"],
            events.Take(MaxParked).Select(parked => (string[])
            [
                parked.Reader, Text($"{parked.Position}"), parked.Stream, parked.EventType, Text($"{parked.Attempts}"),
                parked.Error?.ReplaceLineEndings(" ") ?? "(waits for an earlier one)",
            ]));
        if (events.Count > MaxParked)
        {
            await WriteAsync($"and more");
        }

        return 0;
    }

    public async Task<int> RetryAsync(string reader, string? stream)
    {
        var (events, stillParked) = await parking.RetryAsync(ReaderOf(reader), stream, User, CancellationToken.None);
        await WriteAsync(ReaderOf(reader).StartsWith("projections/", StringComparison.Ordinal)
            ? $"applied {events} events; {stillParked} streams are still parked"
            : (FormattableString)$"{events} events are delivered again; `parked` shows what fails again");
        return stillParked == 0 ? 0 : 1;
    }

    public async Task<int> SkipAsync(string reader, long position)
    {
        await parking.SkipAsync(ReaderOf(reader), position, User, CancellationToken.None);
        await WriteAsync($"{reader} leaves event {position} out");
        return 0;
    }

    /// <summary>A name without a slash is that of a projection.</summary>
    private static string ReaderOf(string name) => name.Contains('/', StringComparison.Ordinal) ? name : $"projections/{name}";

    /// <summary>Starts an audit and waits for its end.</summary>
    /// <param name="sample">How many streams; 0 for all.</param>
    public async Task<int> AuditAsync(int sample)
    {
        var id = await operations.StartAuditAsync([], sample, User, CancellationToken.None);
        var (streams, since) = (0L, TimeProvider.System.GetTimestamp());
        while (true)
        {
            var audit = await operations.FindAsync(id, CancellationToken.None) ?? throw new InvalidOperationException($"Operation {id} is gone.");
            if (audit.EndTime is not null)
            {
                return await PrintAuditAsync(audit);
            }

            if (audit.Streams != streams)
            {
                (streams, since) = (audit.Streams, TimeProvider.System.GetTimestamp());
            }
            else if (TimeProvider.System.GetElapsedTime(since) > SilenceLimit)
            {
                await WriteAsync($"no process has worked at audit {id} for {SilenceLimit.TotalSeconds} s; it continues once a service projects");
                return 1;
            }

            await Task.Delay(LookInterval, TimeProvider.System, CancellationToken.None);
        }
    }

    private async Task<int> PrintAuditAsync(Operation audit)
    {
        foreach (var drift in audit.Drifts)
        {
            await WriteAsync(
                $"{drift.Projection} {drift.Rows} {drift.Stream} at {drift.Position} {drift.Field}: found {drift.Found ?? "nothing"}, expected {drift.Expected ?? "nothing"}");
        }

        await WriteAsync(audit.HasFailed
            ? $"the audit failed after {audit.Streams} streams: {audit.Message}"
            : (FormattableString)$"{audit.DriftCount} differences in {audit.Streams} streams");
        return audit.HasFailed || audit.DriftCount > 0 ? 1 : 0;
    }

    private async Task PrintTableAsync(string[] header, IEnumerable<string[]> rows)
    {
        string[][] all = [header, .. rows];
        int[] widths = [.. header.Select((_, column) => all.Max(row => row[column].Length))];
        foreach (var row in all)
        {
            await output.WriteLineAsync(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }

    private Task WriteAsync(FormattableString text) => output.WriteLineAsync(Text(text));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
