using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Testing;

/// <summary>
/// Events of some streams in the order in which they were appended, to check a projection's laws on. Immutable.
/// </summary>
public sealed class ProjectionHistory
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private ProjectionHistory(IReadOnlyList<RecordedEvent> events) => Events = events;

    /// <summary>The events; positions from 1, versions from 1 in each stream.</summary>
    public IReadOnlyList<RecordedEvent> Events { get; }

    internal IReadOnlyList<StreamId> Streams => [.. Events.Select(record => record.Stream).Distinct()];

    /// <summary>A history of these events.</summary>
    /// <param name="types">
    /// The service's event types. The events are serialised to JSON and read again, as in a store.
    /// </param>
    /// <param name="events">The events in order, each with its stream.</param>
    /// <param name="step">The time between two events. Default: 5 hours, so that a history spans days.</param>
    /// <exception cref="UnknownEventTypeException">The type of an event is not registered.</exception>
    public static ProjectionHistory Of(EventTypeRegistry types, IEnumerable<(StreamId Stream, object Event)> events, TimeSpan? step = null)
    {
        ArgumentNullException.ThrowIfNull(types);
        ArgumentNullException.ThrowIfNull(events);
        var versions = new Dictionary<StreamId, long>();
        var records = new List<RecordedEvent>();
        foreach (var (stream, @event) in events)
        {
            var time = Begin + (records.Count * (step ?? TimeSpan.FromHours(5)));
            var data = types.Serialize(@event, time);
            versions[stream] = versions.GetValueOrDefault(stream) + 1;
            records.Add(new RecordedEvent
            {
                Position = records.Count + 1,
                Stream = stream,
                Version = versions[stream],
                EventId = data.EventId,
                Type = data.Type,
                SchemaVersion = data.SchemaVersion,
                Payload = data.Payload,
                Metadata = new EventMetadata(data.EventId, "correlation", "causation", "tester"),
                Time = time,
            });
        }

        return new ProjectionHistory(records);
    }

    /// <summary>
    /// The history as if a stream had never existed; the positions of the other events are unchanged.
    /// </summary>
    internal ProjectionHistory Without(StreamId stream) => new([.. Events.Where(record => record.Stream != stream)]);

    /// <summary>
    /// The same events in another order that keeps the order within each stream: <paramref name="next"/> chooses the
    /// next stream from those with events left. Positions are reassigned; each event keeps its time.
    /// </summary>
    internal ProjectionHistory Reordered(Func<IReadOnlyList<StreamId>, StreamId> next)
    {
        var left = Events.GroupBy(record => record.Stream).ToDictionary(stream => stream.Key, stream => new Queue<RecordedEvent>(stream));
        var waiting = Streams.ToList();
        var records = new List<RecordedEvent>(Events.Count);
        while (waiting.Count > 0)
        {
            var stream = next(waiting);
            records.Add(left[stream].Dequeue() with { Position = records.Count + 1 });
            if (left[stream].Count == 0)
            {
                waiting.Remove(stream);
            }
        }

        return new ProjectionHistory(records);
    }
}

/// <summary>Presents a history to the runner as the event log.</summary>
internal sealed class HistoryStore : IEventStore
{
    public ProjectionHistory History { get; set; } = null!;

    public ValueTask<EventPage> ReadAllAsync(long afterPosition, int maxCount, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Page(record => record.Position > afterPosition, maxCount));

    public ValueTask<EventPage> ReadStreamAsync(StreamId stream, long fromVersion, int maxCount, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Page(record => record.Stream == stream && record.Version >= fromVersion, maxCount));

    public ValueTask<long> ReadHeadAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(History.Events.Count == 0 ? 0 : History.Events[^1].Position);

    public ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellationToken) => throw OnlyRead();

    public ValueTask<StoredSnapshot?> FindSnapshotAsync(StreamId stream, int schemaVersion, CancellationToken cancellationToken) => throw OnlyRead();

    public ValueTask<CommandRecord?> FindCommandAsync(Guid commandId, CancellationToken cancellationToken) => throw OnlyRead();

    private static NotSupportedException OnlyRead() => new("A history can only be projected.");

    private EventPage Page(Func<RecordedEvent, bool> matches, int maxCount)
    {
        RecordedEvent[] events = [.. History.Events.Where(matches).Take(maxCount + 1)];
        return new EventPage([.. events.Take(maxCount)], events.Length <= maxCount);
    }
}
