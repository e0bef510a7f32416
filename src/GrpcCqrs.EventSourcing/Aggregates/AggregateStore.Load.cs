using System.Text.Json;

namespace GrpcCqrs.EventSourcing;

/// <content>Loads the current state, or a past one.</content>
public sealed partial class AggregateStore<TAggregate, TEvent>
{
    /// <summary>How many events are read at a time. Bounds the memory of a load.</summary>
    private const int ReadBatch = 500;

    /// <summary>
    /// Loads the current state: starts from the cached state, else from the newest snapshot, else from the initial
    /// state, and applies the later events.
    /// </summary>
    public async ValueTask<Loaded<TAggregate>> LoadAsync(string id, CancellationToken cancellationToken)
    {
        var stream = StreamId.For<TAggregate, TEvent>(id);
        var start = cache.Find<TAggregate>(stream) ?? await FindSnapshotAsync(stream, cancellationToken) ?? Initial(id);
        var loaded = await FoldAsync(stream, start, static _ => true, cancellationToken);
        cache.Put(stream, loaded, loaded.State.ApproximateBytes);
        return loaded;
    }

    /// <summary>The state at a version of the stream, or at its last version if it never got that far.</summary>
    public ValueTask<Loaded<TAggregate>> LoadAtVersionAsync(string id, long version, CancellationToken cancellationToken) =>
        LoadWhileAsync(id, record => record.Version <= version, cancellationToken);

    /// <summary>The state at a time, inclusive.</summary>
    public ValueTask<Loaded<TAggregate>> LoadAtTimeAsync(string id, DateTimeOffset time, CancellationToken cancellationToken) =>
        LoadWhileAsync(id, record => record.Time <= time, cancellationToken);

    /// <summary>The state folded from the events up to the first one that <paramref name="take"/> rejects.</summary>
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
