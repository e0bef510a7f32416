using System.Text.Json;

namespace GrpcCqrs.EventSourcing;

/// <content>Loading, now and as of then.</content>
public sealed partial class AggregateStore<TAggregate, TEvent>
{
    /// <summary>How many events are read at a time, to bound the memory of a load.</summary>
    private const int ReadBatch = 500;

    /// <summary>
    /// The state that the store has now: what is remembered, or the newest snapshot, or nothing, and the events behind it.
    /// </summary>
    public async ValueTask<Loaded<TAggregate>> LoadAsync(string id, CancellationToken cancellationToken)
    {
        var stream = StreamId.For<TAggregate, TEvent>(id);
        var start = cache.Find<TAggregate>(stream) ?? await FindSnapshotAsync(stream, cancellationToken) ?? Initial(id);
        var loaded = await FoldAsync(stream, start, static _ => true, cancellationToken);
        cache.Put(stream, loaded, loaded.State.ApproximateBytes);
        return loaded;
    }

    /// <summary>The state as it was when the stream had this many events, or fewer where it never had as many.</summary>
    public ValueTask<Loaded<TAggregate>> LoadAtVersionAsync(string id, long version, CancellationToken cancellationToken) =>
        LoadWhileAsync(id, record => record.Version <= version, cancellationToken);

    /// <summary>The state as it was at a time, that moment included.</summary>
    public ValueTask<Loaded<TAggregate>> LoadAtTimeAsync(string id, DateTimeOffset time, CancellationToken cancellationToken) =>
        LoadWhileAsync(id, record => record.Time <= time, cancellationToken);

    /// <summary>The state folded from the leading events that <paramref name="take"/> accepts; the first refusal ends it.</summary>
    public ValueTask<Loaded<TAggregate>> LoadWhileAsync(string id, Func<RecordedEvent, bool> take, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(take);
        return FoldAsync(StreamId.For<TAggregate, TEvent>(id), Initial(id), take, cancellationToken);
    }

    private static Loaded<TAggregate> Initial(string id) => new(TAggregate.Initial(id), 0, 0);

    private async ValueTask<Loaded<TAggregate>?> FindSnapshotAsync(StreamId stream, CancellationToken cancellationToken)
    {
        if (snapshots is null || await store.FindSnapshotAsync(stream, snapshots.SchemaVersion, cancellationToken) is not { } snapshot)
        {
            return null;
        }

        try
        {
            return new Loaded<TAggregate>(snapshots.Read(stream.Id, snapshot.Payload.Span), snapshot.Version, snapshot.Position);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async ValueTask<Loaded<TAggregate>> FoldAsync(
        StreamId stream, Loaded<TAggregate> start, Func<RecordedEvent, bool> take, CancellationToken cancellationToken)
    {
        var (state, version, position) = start;
        while (true)
        {
            var page = await store.ReadStreamAsync(stream, version + 1, ReadBatch, cancellationToken);
            foreach (var record in page.Events)
            {
                if (!take(record))
                {
                    return new Loaded<TAggregate>(state, version, position);
                }

                foreach (var envelope in types.Read(record))
                {
                    state = state.Apply((TEvent)envelope.Event);
                }

                (version, position) = (record.Version, record.Position);
            }

            if (page.IsEnd)
            {
                return new Loaded<TAggregate>(state, version, position);
            }
        }
    }
}
