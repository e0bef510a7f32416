namespace GrpcCqrs.EventSourcing;

/// <summary>
/// What a query reads: the live generation of each table, and the position that it has at least reached.
/// </summary>
/// <param name="position">The position.</param>
/// <param name="tables">The live name of each table.</param>
public sealed class ReadView(long position, IReadOnlyDictionary<string, string> tables)
{
    /// <summary>Every event up to this position is in the tables; later ones may be too.</summary>
    public long Position { get; } = position;

    /// <summary>The current name of a table.</summary>
    /// <exception cref="InvalidOperationException">No projection declares the table: a configuration error.</exception>
    public string Table(string name) =>
        tables.TryGetValue(name, out var live) ? live : throw new InvalidOperationException($"No projection declares the table {name}.");
}

/// <summary>The position and the table names of the read model.</summary>
public interface IReadModel
{
    /// <summary>
    /// The current view of some projections. Waits while a projection has no tables yet, as in a new read database.
    /// </summary>
    /// <param name="projections">The names of the projections that the query reads; empty for all.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="InvalidOperationException">There is no such projection: a configuration error.</exception>
    /// <exception cref="RejectedException">The wait took too long.</exception>
    ValueTask<ReadView> ViewAsync(IReadOnlyCollection<string> projections, CancellationToken cancellationToken);

    /// <summary>Waits until the projections have reached a position, and returns the view at that time.</summary>
    /// <param name="position">The position.</param>
    /// <param name="projections">The names of the projections that the query reads; empty for all.</param>
    /// <param name="stream">The query's stream; null if it covers several.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="RejectedException">
    /// <see cref="EngineErrors.ReadModelBehind"/>: not reached within the configured limit.
    /// <see cref="EngineErrors.ProjectionParked"/>: events up to the position are parked, so the answer would lack
    /// them.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    ValueTask<ReadView> WaitForAsync(long position, IReadOnlyCollection<string> projections, StreamId? stream, CancellationToken cancellationToken);
}
