using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>
/// The states of the streams that a fold has seen of late. They are kept when they have been written, so that the streams that change
/// most are not read again for each batch.
/// </summary>
internal sealed class FoldBatch<TState>(StreamTable<TState>[] rows, CountTable<TState>[] counts, Func<TState?, EventEnvelope, TState?> apply) : IProjectionBatch
    where TState : class
{
    /// <summary>About what a stream takes beside its state.</summary>
    private const int EntryBytes = 200;

    /// <summary>After how much that was guessed of new states they are weighed: an event more often replaces a text than adds one.</summary>
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
                    // Else this is the stream's first event, before which nothing can have been written of it.
                    known.Add(record.Stream.Id);
                }
            }

            if (!stream.IsTouched)
            {
                stream.IsTouched = true;
                touched.Add(stream);
            }

            changed[index] = stream;

            // What an event adds to a state is no more than its payload, as text.
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

    /// <summary>Reads the states of streams as they stand in the tables.</summary>
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

/// <summary>What is known of one stream's state: as it was written last, and as it is now.</summary>
internal sealed class StreamChange<TState>(string id)
    where TState : class
{
    public string Id { get; } = id;

    public TState? Before { get; set; }

    public TState? After { get; set; }

    /// <summary>Whether there were events since it was written.</summary>
    public bool IsTouched { get; set; }

    /// <summary>About what it takes in memory.</summary>
    public long Bytes { get; set; }
}
