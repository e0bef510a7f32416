namespace GrpcCqrs.EventSourcing;

/// <summary>
/// Keeps some tables of the read database equal to a fold of the events. The engine guarantees:
/// <list type="number">
/// <item>Batches come in order of position, without gaps. Events whose types are not in <see cref="Handles"/> are left out.</item>
/// <item>A batch's writes and the projection's checkpoint are committed in one transaction, so each event takes effect exactly
/// once.</item>
/// <item>A batch that throws is rolled back as a whole and delivered again later, perhaps cut differently.</item>
/// </list>
/// In return a projection writes only to its own <see cref="Tables"/>, reads nothing else, and depends on nothing but the events and
/// those tables. What it keeps in memory between batches belongs in <see cref="IProjectionBatch"/>, since several generations of its
/// tables may be filled at a time.
/// </summary>
public interface IProjection
{
    /// <summary>The projection's name, stored with its checkpoint. Never change it.</summary>
    string Name { get; }

    /// <summary>
    /// The version of its logic and of its tables, from 1. When it is raised, the engine fills a new generation of the tables from
    /// the first event on and switches to it once it has caught up.
    /// </summary>
    int Version { get; }

    /// <summary>The tables that only this projection writes. The engine creates, switches and drops them.</summary>
    IReadOnlyList<ProjectionTable> Tables { get; }

    /// <summary>The event types (or base types of them) that it wants to see.</summary>
    IReadOnlyCollection<Type> Handles { get; }

    /// <summary>
    /// What its tables hold, in a form in which two generations can be compared: no generated keys, no order. Default: the tables
    /// as they are.
    /// </summary>
    IReadOnlyList<ProjectedRows> Rows => [.. Tables.Select(table => new ProjectedRows(table.Name, $"SELECT * FROM {{{table.Name}}}"))];

    /// <summary>Applies a batch.</summary>
    /// <param name="batch">The events, in order of position.</param>
    /// <param name="tables">The tables to write, within an open transaction.</param>
    /// <param name="cancellationToken">Ends the work; the batch is then rolled back.</param>
    Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, IProjectionTables tables, CancellationToken cancellationToken);

    /// <summary>
    /// Begins to take events in for one generation of the tables. Default: they are kept and given to <see cref="ApplyAsync"/> together. A
    /// projection that can do with less than the events themselves does it otherwise, so that a rebuild takes many in at once.
    /// </summary>
    IProjectionBatch Begin() => new EventBatch(this);
}

/// <summary>
/// What a projection has in memory of one generation of its tables: events that it has taken in and not written, and what it knows of the tables
/// from before. Once it was written and that was committed it goes on to be used; when anything fails, or somebody else writes the
/// tables, it is thrown away. Used by one caller at a time.
/// </summary>
public interface IProjectionBatch
{
    /// <summary>About how many rows, or streams, there are to write: the time that takes goes by it.</summary>
    int Count { get; }

    /// <summary>About how much memory it holds.</summary>
    long Bytes { get; }

    /// <summary>Takes events in, in order of position. It may read the tables and writes nothing.</summary>
    /// <param name="events">The events, of types that the projection handles.</param>
    /// <param name="tables">The tables, perhaps without an open transaction.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    Task AddAsync(IReadOnlyList<EventEnvelope> events, IProjectionTables tables, CancellationToken cancellationToken);

    /// <summary>Writes all that was taken in since it was last written.</summary>
    /// <param name="tables">The tables, within an open transaction.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    Task WriteAsync(IProjectionTables tables, CancellationToken cancellationToken);
}

/// <summary>Events that are kept until they are applied.</summary>
internal sealed class EventBatch(IProjection projection) : IProjectionBatch
{
    /// <summary>About what an event takes beside its payload, which is there as bytes and as text.</summary>
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
/// A projection whose tables are a sum over streams: what one stream contributed can be taken out and folded anew while the rest
/// stays. That is what lets a bad event stop its own stream only, a stream be replayed, and a sample be audited.
/// </summary>
public interface IStreamProjection : IProjection
{
    /// <summary>Takes out all that the events of a stream have put in, as if they had never been.</summary>
    /// <param name="stream">The stream; one that contributed nothing is no error.</param>
    /// <param name="tables">The tables to write, within an open transaction.</param>
    /// <param name="cancellationToken">Ends the work; the transaction is then rolled back.</param>
    Task RemoveAsync(StreamId stream, IProjectionTables tables, CancellationToken cancellationToken);
}

/// <summary>A part of what a projection's tables say.</summary>
/// <param name="Name">What reports call it, such as the table's name.</param>
/// <param name="Select">
/// A SELECT with the tables' names in braces, such as <c>SELECT id, title FROM {books}</c>; no ORDER BY, column names unique.
/// </param>
/// <param name="StreamColumn">
/// The column of it that holds <see cref="StreamId.Id"/> of the stream that a row speaks of; null where rows speak of several.
/// </param>
public sealed record ProjectedRows(string Name, string Select, string? StreamColumn = null);
