namespace GrpcCqrs.EventSourcing;

/// <summary>
/// Answers a query of the read model and goes on to tell what changes in the answer. Handlers are singletons and hold no state of a
/// call.
/// </summary>
public interface IReadModelWatchHandler<in TQuery, TItem>
    where TQuery : class
{
    /// <summary>Tells the answer item by item, then its changes, until the caller has enough.</summary>
    /// <param name="query">The query.</param>
    /// <param name="view">What is there at first; never older than the caller's token.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <exception cref="RejectedException">The query is refused.</exception>
    IAsyncEnumerable<QueryAnswer<TItem>> WatchAsync(TQuery query, ReadView view, CancellationToken cancellationToken);
}

/// <summary>What happened to some streams, after the read model has seen it.</summary>
/// <param name="View">What is there now; not older than the position.</param>
/// <param name="Position">The last event; all before it have been told.</param>
/// <param name="Streams">The streams that changed, each once; empty where it is only said how far things have come.</param>
public sealed record ReadModelChange(ReadView View, long Position, IReadOnlyList<StreamId> Streams);

/// <summary>Tells which streams have changed, once the read model shows it.</summary>
public interface IReadModelChanges
{
    /// <summary>Follows the changes of a category behind a position. Many changes at a time are told as one.</summary>
    /// <param name="category">The category of the streams.</param>
    /// <param name="after">The position behind which to start.</param>
    /// <param name="projections">The names of the projections that must have seen a change before it is told.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RejectedException">The position is not one of this store's, or too many follow already.</exception>
    IAsyncEnumerable<ReadModelChange> FollowAsync(string category, long after, IReadOnlyCollection<string> projections, CancellationToken cancellationToken);
}
