using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>One event as readers of the feed see it, in its type's present form.</summary>
/// <param name="Record">The event as it stands in the store.</param>
/// <param name="Present">Type, schema version and payload of today.</param>
/// <param name="Index">
/// The place among the events that stand for the recorded one, from 0; more than one only where an upcaster splits it.
/// </param>
public sealed record FeedEvent(RecordedEvent Record, PresentEvent Present, int Index)
{
    /// <summary>The type's stable name.</summary>
    public string Type => Present.Type;
}

/// <summary>What a reader of the feed is told.</summary>
public abstract record FeedMessage
{
    private FeedMessage()
    {
    }

    /// <summary>The events of one position that are wanted, at least one, in order.</summary>
    public sealed record Events(long Position, IReadOnlyList<FeedEvent> All) : FeedMessage;

    /// <summary>Everything up to and with the position has been told or was not wanted.</summary>
    public sealed record Checkpoint(long Position, bool IsEnd) : FeedMessage;

    /// <summary>A subscription has reached the end of the log; what comes next is new.</summary>
    public sealed record CaughtUp(long Position) : FeedMessage;
}

/// <summary>A recorded event with its present form, made at the first use and shared by all readers.</summary>
internal sealed class FeedRecord(RecordedEvent record, EventTypeRegistry types)
{
    private volatile IReadOnlyList<FeedEvent>? events;

    public RecordedEvent Record { get; } = record;

    public string StreamName { get; } = record.Stream.ToString();

    /// <summary>What stands for the event today; none where an upcaster drops it.</summary>
    /// <exception cref="UnknownEventTypeException">The service does not know the type or the schema version.</exception>
    public IReadOnlyList<FeedEvent> Events =>
        events ??= [.. types.ReadJson(Record).Select((present, index) => new FeedEvent(Record, present, index))];
}
