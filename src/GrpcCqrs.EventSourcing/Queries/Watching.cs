namespace GrpcCqrs.EventSourcing;

/// <summary>
/// Answers a query from the read model, then streams the changes to the answer. Handlers are singletons and hold no
/// per-call state.
/// </summary>
public interface IReadModelWatchHandler<in TQuery, TItem>
    where TQuery : class
{
    /// <summary>Streams the answer item by item, then its changes, until cancelled.</summary>
    /// <param name="query">The query.</param>
    /// <param name="view">The initial view; never older than the caller's token.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <exception cref="RejectedException">The query is rejected.</exception>
    IAsyncEnumerable<QueryAnswer<TItem>> WatchAsync(TQuery query, ReadView view, CancellationToken cancellationToken);
}

/// <summary>The streams that changed, reported once the read model includes the change.</summary>
/// <param name="View">The current view; not older than the position.</param>
/// <param name="Position">The position of the last event; all changes up to it have been reported.</param>
/// <param name="Streams">The streams that changed, each once; empty if only the position advanced.</param>
public sealed record ReadModelChange(ReadView View, long Position, IReadOnlyList<StreamId> Streams);

/// <summary>Reports which streams have changed, once the read model includes the change.</summary>
public interface IReadModelChanges
{
    /// <summary>
    /// Follows the changes of a category after a position. Changes in quick succession are coalesced.
    /// </summary>
    /// <param name="category">The category of the streams.</param>
    /// <param name="after">Start after this position.</param>
    /// <param name="projections">The names of the projections that must include a change before it is reported.</param>
    /// <param name="cancellationToken">Ends the subscription.</param>
    /// <exception cref="RejectedException">
    /// The position is not from this store, or there are too many followers.
    /// </exception>
    IAsyncEnumerable<ReadModelChange> FollowAsync(string category, long after, IReadOnlyCollection<string> projections, CancellationToken cancellationToken);
}
