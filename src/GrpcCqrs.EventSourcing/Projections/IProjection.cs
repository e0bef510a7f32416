namespace GrpcCqrs.EventSourcing;

/// <summary>
/// Keeps some tables of the read database equal to a fold of the events. What the runner promises:
/// <list type="number">
/// <item>Batches come in order of position, without gaps; events of types that are not in <see cref="Handles"/> are left out.</item>
/// <item>A batch's writes and the projection's checkpoint are committed in one transaction, so each event takes effect exactly
/// once.</item>
/// <item>A batch that throws is rolled back as a whole and given again later, then perhaps cut differently.</item>
/// </list>
/// What a projection promises: it writes only to its own <see cref="Tables"/>, reads nothing else, and depends on nothing but
/// the events and those tables; it keeps no state between batches, since several sets of its tables may be filled at a time.
/// </summary>
public interface IProjection
{
    /// <summary>The projection's name, stored with its checkpoint: never change it.</summary>
    string Name { get; }

    /// <summary>
    /// The version of its logic, from 1. When it is raised, the runner fills the projection's second set of tables from the first
    /// event on and switches to it once it has caught up.
    /// </summary>
    int Version { get; }

    /// <summary>
    /// The tables that only this projection writes. Each exists twice in the read database, under the name and under
    /// <see cref="TableSlots.NameIn"/> of slot 1; which of the two is meant is <see cref="IProjectionTables"/>' affair.
    /// </summary>
    IReadOnlyList<string> Tables { get; }

    /// <summary>The event types (or base types of them) that it wants to see.</summary>
    IReadOnlyCollection<Type> Handles { get; }

    /// <summary>
    /// What its tables say, in a form that two sets of them can be compared in: no generated keys, no order. Default: the tables
    /// as they are.
    /// </summary>
    IReadOnlyList<ProjectedRows> Rows => [.. Tables.Select(table => new ProjectedRows(table, $"SELECT * FROM {{{table}}}"))];

    /// <summary>Applies a batch.</summary>
    /// <param name="batch">The events, in order of position.</param>
    /// <param name="tables">The tables to write, within an open transaction.</param>
    /// <param name="cancellationToken">Ends the work; the batch is then rolled back.</param>
    Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, IProjectionTables tables, CancellationToken cancellationToken);
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
