using GrpcCqrs.Storage.Readers;

namespace GrpcCqrs.Storage.Subscriptions;

/// <summary>The waiting events of one stream, in order.</summary>
internal sealed class GroupLane(string stream)
{
    public string Stream { get; } = stream;

    public Queue<GroupItem> Items { get; } = [];
}

/// <summary>A recorded event in a group.</summary>
/// <param name="record">The event.</param>
/// <param name="events">The events delivered for it.</param>
/// <param name="fault">Why it cannot be delivered; null if it can.</param>
/// <param name="isReplay">Whether it was parked and is being redelivered.</param>
internal sealed class GroupItem(FeedRecord record, IReadOnlyList<FeedEvent> events, string? fault, bool isReplay)
{
    public FeedRecord Record { get; } = record;

    public IReadOnlyList<FeedEvent> Events { get; } = events;

    public string? Fault { get; } = fault;

    public bool IsReplay { get; } = isReplay;

    public long Position => Record.Record.Position;

    public string Stream => Record.StreamName;

    public int Attempts { get; set; }

    public int Failures { get; set; }
}

/// <summary>A delivery to a member.</summary>
/// <param name="Id">The id for the acknowledgement; unique within the member.</param>
/// <param name="Attempt">
/// How often it was delivered since this process started to serve the group, including this time.
/// </param>
/// <param name="WasParked">Whether it was parked before.</param>
/// <param name="Events">The events of one position.</param>
internal sealed record Delivery(long Id, int Attempt, bool WasParked, IReadOnlyList<FeedEvent> Events)
{
    /// <summary>The event in the group.</summary>
    internal GroupItem Item { get; init; } = null!;
}

/// <summary>The stored progress that a group starts from.</summary>
/// <param name="Filter">The events that the group delivers.</param>
/// <param name="IsInProcess">Whether a handler of the service itself handles them.</param>
/// <param name="Position">The group's position.</param>
/// <param name="Writes">The number of its last write.</param>
/// <param name="Acks">The acknowledged positions after it.</param>
/// <param name="ParkedPositions">The parked and skipped positions after it.</param>
/// <param name="ParkedStreams">The parked streams.</param>
/// <param name="UnknownStreams">
/// The streams that were parked since the process before did not know an event's type: this one may, after an upgrade.
/// </param>
internal sealed record GroupProgress(
    FeedFilter Filter, bool IsInProcess, long Position, long Writes, IReadOnlyList<long> Acks, IReadOnlyList<long> ParkedPositions, IReadOnlyList<ParkedStream> ParkedStreams,
    IReadOnlyList<string> UnknownStreams);

/// <summary>The pending changes of a group.</summary>
internal sealed class GroupChanges
{
    public long Position { get; set; }

    public int Members { get; set; }

    public int InFlight { get; set; }

    /// <summary>
    /// Whether an acknowledgement moved the position. Progress from filtered-out events can wait for the next lease
    /// renewal.
    /// </summary>
    public bool HasMoved { get; set; }

    public List<long> Acks { get; } = [];

    public List<(GroupItem Item, int Failures, string? Reason, bool IsRetrying)> Parked { get; } = [];

    public List<(long Position, int Failures, string Reason)> ParkedAgain { get; } = [];

    public List<long> Unparked { get; } = [];

    /// <summary>The streams whose parked events failed again when they were delivered again.</summary>
    public HashSet<string> NoLongerRetried { get; } = new(StringComparer.Ordinal);

    public int Count => Acks.Count + Parked.Count + ParkedAgain.Count + Unparked.Count + NoLongerRetried.Count + (HasMoved ? 1 : 0);
}
