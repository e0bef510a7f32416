namespace GrpcCqrs.EventSourcing;

/// <summary>
/// Keeps some tables of the read database equal to a fold of the events. The engine guarantees:
/// <list type="number">
/// <item>Batches come in order of position, without gaps. Events whose types are not in <see cref="Handles"/> are
/// omitted.</item>
/// <item>A batch's writes and the projection's checkpoint are committed in one transaction, so each event takes effect
/// exactly once.</item>
/// <item>A batch that throws is rolled back as a whole and delivered again later, possibly split differently.</item>
/// </list>
/// In return a projection reads and writes only its own <see cref="Tables"/>, and depends on nothing but the events
/// and those tables. State that it keeps in memory between batches belongs in <see cref="IProjectionBatch"/>, because
/// several generations of its tables may be filled at the same time.
/// </summary>
public interface IProjection
{
    /// <summary>The projection's name, stored with its checkpoint. Never change it.</summary>
    string Name { get; }

    /// <summary>
    /// The version of its logic and tables, from 1. When it increases, the engine fills a new generation of the tables
    /// from the first event and switches to it once it has caught up.
    /// </summary>
    int Version { get; }

    /// <summary>The tables that only this projection writes. The engine creates, switches and drops them.</summary>
    IReadOnlyList<ProjectionTable> Tables { get; }

    /// <summary>
    /// The category of the streams whose events it gets; null, the default, for all. A projection whose rows are keyed by
    /// <see cref="StreamId.Id"/> alone needs one, or streams of two categories with equal ids would share rows.
    /// </summary>
    string? Category => null;

    /// <summary>The event types, or their base types, that it handles.</summary>
    IReadOnlyCollection<Type> Handles { get; }

    /// <summary>
    /// The contents of its tables in a form in which two generations can be compared: without generated keys or an
    /// order. Default: the tables as they are.
    /// </summary>
    IReadOnlyList<ProjectedRows> Rows => [.. Tables.Select(table => new ProjectedRows(table.Name, $"SELECT * FROM {{{table.Name}}}"))];

    /// <summary>Applies a batch.</summary>
    /// <param name="batch">The events, in order of position.</param>
    /// <param name="tables">The tables to write, within an open transaction.</param>
    /// <param name="cancellationToken">Cancels the work; the batch is then rolled back.</param>
    Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, IProjectionTables tables, CancellationToken cancellationToken);

    /// <summary>
    /// Starts a batch for one generation of the tables. Default: the events are buffered and passed to
    /// <see cref="ApplyAsync"/> together. A projection that does not need to keep the events themselves can override
    /// this, so that a rebuild reads many events at a time.
    /// </summary>
    IProjectionBatch Begin() => new EventBatch(this);
}

/// <summary>
/// A projection's in-memory state for one generation of its tables: the events read but not yet written, and what it
/// has cached of the tables. It is reused after its writes are committed, and discarded after any failure or when
/// something else writes the tables. Used by one caller at a time.
/// </summary>
public interface IProjectionBatch
{
    /// <summary>The approximate number of rows or streams to write, as a measure of the time to write them.</summary>
    int Count { get; }

    /// <summary>The approximate memory it holds, in bytes.</summary>
    long Bytes { get; }

    /// <summary>Reads events in order of position. It may query the tables but writes nothing.</summary>
    /// <param name="events">The events, of types that the projection handles.</param>
    /// <param name="tables">The tables, possibly without an open transaction.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    Task AddAsync(IReadOnlyList<EventEnvelope> events, IProjectionTables tables, CancellationToken cancellationToken);

    /// <summary>Writes everything that was added since the last write.</summary>
    /// <param name="tables">The tables, within an open transaction.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    Task WriteAsync(IProjectionTables tables, CancellationToken cancellationToken);
}

/// <summary>Buffers events until they are applied.</summary>
internal sealed class EventBatch(IProjection projection) : IProjectionBatch
{
    /// <summary>The approximate overhead of an event besides its payload, which is held as bytes and as text.</summary>
    private const int EventBytes = 1_000;

    private List<EventEnvelope> taken = [];

    public int Count => taken.Count;

    public long Bytes { get; private set; }

    public Task AddAsync(IReadOnlyList<EventEnvelope> events, IProjectionTables tables, CancellationToken cancellationToken)
    {
        taken.AddRange(events);
        Bytes += events.Sum(envelope => EventBytes + (3L * envelope.Record.Payload.Length));
        return Task.CompletedTask;
    }

    public async Task WriteAsync(IProjectionTables tables, CancellationToken cancellationToken)
    {
        if (taken.Count > 0)
        {
            await projection.ApplyAsync(taken, tables, cancellationToken);
        }

        (taken, Bytes) = ([], 0);
    }
}

/// <summary>
/// A projection whose tables are a sum over streams: the contribution of one stream can be removed and refolded without
/// affecting the rest. That makes it possible to park only the stream of a failing event, to replay a stream, and to
/// audit a sample.
/// </summary>
public interface IStreamProjection : IProjection
{
    /// <summary>Removes everything that the events of a stream contributed, as if they had never happened.</summary>
    /// <param name="stream">The stream. It is no error if it contributed nothing.</param>
    /// <param name="tables">The tables to write, within an open transaction.</param>
    /// <param name="cancellationToken">Cancels the work; the transaction is then rolled back.</param>
    Task RemoveAsync(StreamId stream, IProjectionTables tables, CancellationToken cancellationToken);
}

/// <summary>A part of the contents of a projection's tables.</summary>
/// <param name="Name">Its name in reports, such as the table's name.</param>
/// <param name="Select">
/// A SELECT with the table names in braces, such as <c>SELECT id, title FROM {books}</c>; no ORDER BY, unique column
/// names.
/// </param>
/// <param name="StreamColumn">
/// The column that holds the <see cref="StreamId.Id"/> of the row's stream; null if rows depend on several streams.
/// </param>
public sealed record ProjectedRows(string Name, string Select, string? StreamColumn = null);
