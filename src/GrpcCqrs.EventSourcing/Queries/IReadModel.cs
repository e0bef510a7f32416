namespace GrpcCqrs.EventSourcing;

/// <summary>What a query reads: the live generation of each table, and the position that it has reached at least.</summary>
/// <param name="position">The position.</param>
/// <param name="tables">The live name of each table.</param>
public sealed class ReadView(long position, IReadOnlyDictionary<string, string> tables)
{
    /// <summary>Every event up to this position is in the tables; later ones may be.</summary>
    public long Position { get; } = position;

    /// <summary>The name under which a table is to be read now.</summary>
    /// <exception cref="InvalidOperationException">No projection declares the table: a fault of the service's set-up.</exception>
    public string Table(string name) =>
        tables.TryGetValue(name, out var live) ? live : throw new InvalidOperationException($"No projection declares the table {name}.");
}

/// <summary>Tells how far the read model has come, and where it is.</summary>
public interface IReadModel
{
    /// <summary>The view of some projections as it is now. Waits where a projection has no tables yet, as in a new read database.</summary>
    /// <param name="projections">The names of those that the query reads; empty for all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidOperationException">There is no such projection: a fault of the service's set-up.</exception>
    /// <exception cref="RejectedException">The wait took too long.</exception>
    ValueTask<ReadView> ViewAsync(IReadOnlyCollection<string> projections, CancellationToken cancellationToken);

    /// <summary>Waits until the projections have reached a position, and returns the view then.</summary>
    /// <param name="position">The position.</param>
    /// <param name="projections">The names of those that the query reads; empty for all.</param>
    /// <param name="stream">The one stream that the query is about; null where it is about several.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RejectedException">
    /// <see cref="EngineErrors.ReadModelBehind"/>: not reached within the configured limit.
    /// <see cref="EngineErrors.ProjectionParked"/>: events up to the position are parked, so that the answer would lack them.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    ValueTask<ReadView> WaitForAsync(long position, IReadOnlyCollection<string> projections, StreamId? stream, CancellationToken cancellationToken);
}
