using System.Text.Json.Serialization;
using GrpcCqrs.Testing;
using Xunit;

namespace GrpcCqrs.EventSourcing.Tests;

public sealed record Counted(int Number);

public sealed record Counter : IAggregate<Counter, Counted>
{
    public static string Category => "counter";

    public required string Id { get; init; }

    public int Total { get; init; }

    public int Last { get; init; }

    public static Counter Initial(string id) => new() { Id = id };

    public Counter Apply(Counted @event) => this with { Total = Total + @event.Number, Last = @event.Number };
}

public sealed record CounterSnapshot(int Total, int Last);

[JsonSerializable(typeof(CounterSnapshot))]
internal sealed partial class CounterJson : JsonSerializerContext;

public sealed class SnapshotContractTests : IDisposable
{
    private static readonly Counted[] Events = [new(1), new(2)];
    private static readonly string[] Golden = ["""{"Total":1,"Last":1}""", """{"Total":3,"Last":2}"""];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("snapshots-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Snapshots_as_in_the_golden_file_pass()
    {
        Write(Golden);
        SnapshotContract.Verify(Whole(1), Events, folder.FullName);
    }

    [Fact]
    public void A_missing_golden_file_is_named_with_its_lines() =>
        Assert.Equal($"Add counter.2.jsonl with these lines; the file of the version before may go. GRPCCQRS_APPROVE=1 in the environment of the test has it written.{Environment.NewLine}{string.Join('\n', Golden)}", Fault(Whole(2), Events));

    [Fact]
    public void A_missing_golden_file_is_written_where_that_is_approved_and_never_changed()
    {
        SnapshotContract.Verify(Whole(1), Events, folder.FullName, writeMissing: true);
        Assert.Equal(Golden, File.ReadAllLines(Path.Combine(folder.FullName, "counter.1.jsonl")));
        Assert.Throws<SnapshotContractException>(() => SnapshotContract.Verify(Whole(1), [new Counted(5)], folder.FullName, writeMissing: true));
        Assert.Equal(Golden, File.ReadAllLines(Path.Combine(folder.FullName, "counter.1.jsonl")));
    }

    [Fact]
    public void An_event_type_that_does_not_occur_is_named() =>
        Assert.Equal("None of the events is a Counted: add one, so that a change of how it is folded is noticed.", Fault(Whole(1), []));

    [Fact]
    public void A_changed_snapshot_or_fold_under_the_same_version_fails()
    {
        Write(Golden[0], """{"Total":2,"Last":2}""");
        Assert.StartsWith(
            "The snapshot after Counted, line 2 of counter.1.jsonl, is another: its shape, the fold or the events have changed. If this is meant, "
            + "raise the schema version of the snapshots to 2.",
            Fault(Whole(1), Events),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_property_that_is_lost_or_untried_is_named()
    {
        var losing = new JsonSnapshots<Counter, CounterSnapshot>(
            20, 1, CounterJson.Default.CounterSnapshot, state => new CounterSnapshot(state.Total, 0), (id, snapshot) => new Counter { Id = id, Total = snapshot.Total });
        Assert.StartsWith("The snapshot after Counted loses Counter.Last, 1, which is read as 0: ", Fault(losing, Events), StringComparison.Ordinal);
        Assert.StartsWith("None of the events gives Counter.Total a value: ", Fault(Whole(1), [new Counted(0)]), StringComparison.Ordinal);
    }

    [Fact]
    public void Events_added_at_the_end_need_their_lines_only()
    {
        Write(Golden);
        Assert.Equal($"Add these lines to counter.1.jsonl:{Environment.NewLine}" + """{"Total":6,"Last":3}""", Fault(Whole(1), [.. Events, new Counted(3)]));
        Assert.StartsWith("counter.1.jsonl has 1 more lines than there are events", Fault(Whole(1), Events[..1]), StringComparison.Ordinal);
    }

    private static JsonSnapshots<Counter, CounterSnapshot> Whole(int schemaVersion) => new(
        20,
        schemaVersion,
        CounterJson.Default.CounterSnapshot,
        state => new CounterSnapshot(state.Total, state.Last),
        (id, snapshot) => new Counter { Id = id, Total = snapshot.Total, Last = snapshot.Last });

    private string Fault(ISnapshots<Counter> snapshots, IEnumerable<Counted> events) =>
        Assert.Throws<SnapshotContractException>(() => SnapshotContract.Verify(snapshots, events, folder.FullName)).Message;

    private void Write(params string[] lines) => File.WriteAllLines(Path.Combine(folder.FullName, "counter.1.jsonl"), lines);
}
