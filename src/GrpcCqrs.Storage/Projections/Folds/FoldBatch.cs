using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage.Projections.Folds;

/// <summary>
/// The states of the streams that a fold has recently seen. They are kept after they are written, so that frequently
/// changed streams are not read again for each batch.
/// </summary>
internal sealed class FoldBatch<TState>(StreamTable<TState>[] rows, CountTable<TState>[] counts, Func<TState?, EventEnvelope, TState?> apply) : IProjectionBatch
    where TState : class
{
    /// <summary>The approximate memory of a stream besides its state.</summary>
    private const int EntryBytes = 200;

    /// <summary>
    /// The estimated growth after which states are measured: an event more often replaces text than adds it.
    /// </summary>
    private const long MaxGuessedBytes = 8 * 1024 * 1024;

    private readonly Dictionary<string, StreamChange<TState>> streams = new(StringComparer.Ordinal);
    private readonly List<StreamChange<TState>> touched = [];
    private long keptBytes;
    private long takenBytes;

    public int Count => touched.Count;

    public long Bytes => keptBytes + takenBytes;

    public async Task AddAsync(IReadOnlyList<EventEnvelope> events, IProjectionTables tables, CancellationToken cancellationToken)
    {
        var known = new List<string>();
        var changed = new StreamChange<TState>[events.Count];
        for (var index = 0; index < events.Count; index++)
        {
            var record = events[index].Record;
            if (!streams.TryGetValue(record.Stream.Id, out var stream))
            {
                streams.Add(record.Stream.Id, stream = new StreamChange<TState>(record.Stream.Id));
                if (record.Version > 1)
                {
                    // A stream's first event (version 1) has no earlier state to load.
                    known.Add(record.Stream.Id);
                }
            }

            if (!stream.IsTouched)
            {
                stream.IsTouched = true;
                touched.Add(stream);
            }

            changed[index] = stream;

            // Estimate: an event adds at most its payload as text (2 bytes a character) to the state.
            takenBytes += 2 * record.Payload.Length;
        }

        await LoadAsync(rows, known, streams, tables, cancellationToken);
        known.ForEach(id => Weigh(streams[id]));
        for (var index = 0; index < events.Count; index++)
        {
            changed[index].After = apply(changed[index].After, events[index]);
        }

        if (takenBytes > MaxGuessedBytes)
        {
            touched.ForEach(Weigh);
            takenBytes = 0;
        }
    }

    public async Task WriteAsync(IProjectionTables tables, CancellationToken cancellationToken)
    {
        StreamChange<TState>[] changes = [.. touched.Where(stream => !ReferenceEquals(stream.Before, stream.After))];
        foreach (var table in rows)
        {
            await table.WriteAsync(changes, tables, cancellationToken);
        }

        foreach (var table in counts)
        {
            await table.WriteAsync(changes, tables, cancellationToken);
        }

        foreach (var stream in touched)
        {
            (stream.Before, stream.IsTouched) = (stream.After, false);
            Weigh(stream);
        }

        touched.Clear();
        takenBytes = 0;
    }

    /// <summary>Loads the states of streams from the tables.</summary>
    public static async Task LoadAsync(
        StreamTable<TState>[] rows, List<string> ids, Dictionary<string, StreamChange<TState>> streams, IProjectionTables tables, CancellationToken cancellationToken)
    {
        foreach (var table in rows.Where(table => table.IsLoaded))
        {
            await table.LoadAsync(ids, streams, tables, cancellationToken);
        }

        foreach (var id in ids)
        {
            var stream = streams[id];
            stream.Before = stream.After;
        }
    }

    private void Weigh(StreamChange<TState> stream)
    {
        var bytes = EntryBytes + (stream.After is null ? 0 : rows.Sum(table => table.BytesOf(stream.Id, stream.After)));
        keptBytes += bytes - stream.Bytes;
        stream.Bytes = bytes;
    }
}

/// <summary>A stream's state: as last written, and as it is now.</summary>
internal sealed class StreamChange<TState>(string id)
    where TState : class
{
    public string Id { get; } = id;

    public TState? Before { get; set; }

    public TState? After { get; set; }

    /// <summary>Whether there were events since it was last written.</summary>
    public bool IsTouched { get; set; }

    /// <summary>Its approximate memory.</summary>
    public long Bytes { get; set; }
}
