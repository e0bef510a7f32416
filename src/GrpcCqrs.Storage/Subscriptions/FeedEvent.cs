using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage.Subscriptions;

/// <summary>One event for readers of the feed, in its type's current schema.</summary>
/// <param name="Record">The event as stored.</param>
/// <param name="Present">The current type, schema version and payload.</param>
/// <param name="Index">
/// The index among the events that the recorded event was upcast to, from 0; there is more than one only if an upcaster
/// splits it.
/// </param>
internal sealed record FeedEvent(RecordedEvent Record, PresentEvent Present, int Index)
{
    /// <summary>The type's stable name.</summary>
    public string Type => Present.Type;
}

/// <summary>A message to a reader of the feed.</summary>
internal abstract record FeedMessage
{
    private FeedMessage()
    {
    }

    /// <summary>The matching events of one position, at least one, in order.</summary>
    public sealed record Events(long Position, IReadOnlyList<FeedEvent> All) : FeedMessage;

    /// <summary>Everything up to and including the position was sent or filtered out.</summary>
    public sealed record Checkpoint(long Position, bool IsEnd) : FeedMessage;

    /// <summary>A subscriber has reached the end of the log; what follows is new.</summary>
    public sealed record CaughtUp(long Position) : FeedMessage;
}

/// <summary>A recorded event and its current form, which is computed on first use and shared by all readers.</summary>
internal sealed class FeedRecord(RecordedEvent record, EventTypeRegistry types)
{
    private volatile IReadOnlyList<FeedEvent>? events;

    public RecordedEvent Record { get; } = record;

    public string StreamName { get; } = record.Stream.ToString();

    /// <summary>The events it is upcast to; none if an upcaster drops it.</summary>
    /// <exception cref="UnknownEventTypeException">
    /// The service does not know the type or the schema version.
    /// </exception>
    public IReadOnlyList<FeedEvent> Events =>
        events ??= [.. types.ReadJson(Record).Select((present, index) => new FeedEvent(Record, present, index))];
}
