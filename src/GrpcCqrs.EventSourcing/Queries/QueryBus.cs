using System.Collections.Frozen;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace GrpcCqrs.EventSourcing;

/// <summary>The context of a query.</summary>
/// <param name="ConsistencyToken">
/// The answer must not be from an older state than this token's; null or empty for no such requirement.
/// </param>
public sealed record QueryContext(string? ConsistencyToken = null);

/// <summary>A query's result and the position it was read at.</summary>
/// <param name="Result">The result.</param>
/// <param name="Position">Includes every event up to this position; later ones may be included too.</param>
public readonly record struct QueryAnswer<TResult>(TResult Result, long Position);

/// <summary>A query about a single stream. It is answered even while events of other streams are parked.</summary>
public interface IStreamQuery
{
    /// <summary>The stream; null if the query does not name it.</summary>
    StreamId? Stream { get; }
}

/// <summary>
/// Answers queries of one type from the read model. Handlers are singletons and hold no per-call state.
/// </summary>
public interface IReadModelQueryHandler<in TQuery, TResult>
    where TQuery : class
{
    /// <summary>Answers the query.</summary>
    /// <param name="query">The query.</param>
    /// <param name="view">The names of the tables to read.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <exception cref="RejectedException">The query is rejected.</exception>
    ValueTask<TResult> HandleAsync(TQuery query, ReadView view, CancellationToken cancellationToken);
}

/// <summary>
/// Answers queries of one type from the event log, which is never behind. Handlers are singletons and hold no per-call
/// state.
/// </summary>
public interface IEventLogQueryHandler<in TQuery, TResult>
    where TQuery : class
{
    /// <summary>Answers the query.</summary>
    /// <exception cref="RejectedException">The query is rejected.</exception>
    ValueTask<TResult> HandleAsync(TQuery query, CancellationToken cancellationToken);
}

/// <summary>Sends queries to their handlers.</summary>
public interface IQueryBus
{
    /// <summary>Validates, waits for the consistency token and answers.</summary>
    /// <exception cref="RejectedException">
    /// The query is rejected, or the read model did not reach the token in time.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// No handler is registered for the type: a configuration error.
    /// </exception>
    ValueTask<QueryAnswer<TResult>> AskAsync<TQuery, TResult>(TQuery query, QueryContext context, CancellationToken cancellationToken)
        where TQuery : class;

    /// <summary>
    /// Validates, waits for the consistency token, and streams the answer and its changes until the caller stops.
    /// </summary>
    /// <exception cref="RejectedException">
    /// The query is rejected, or the read model did not reach the token in time.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// No handler is registered for the type: a configuration error.
    /// </exception>
    IAsyncEnumerable<QueryAnswer<TItem>> WatchAsync<TQuery, TItem>(TQuery query, QueryContext context, CancellationToken cancellationToken)
        where TQuery : class;
}

/// <summary>A query type with its handler.</summary>
/// <param name="QueryType">The query type.</param>
/// <param name="HandlerType">The handler's type.</param>
/// <param name="Projections">The names of the projections that it reads; null for an event log query.</param>
/// <param name="Resolve">Gets the handler.</param>
internal sealed record QueryRegistration(
    Type QueryType, Type HandlerType, IReadOnlyList<string>? Projections, Func<IServiceProvider, object> Resolve);

internal sealed class QueryBus : IQueryBus
{
    private readonly FrozenDictionary<Type, (object Handler, IReadOnlyList<string>? Projections, string Name)> handlers;
    private readonly ConsistencyTokens tokens;
    private readonly IReadModel readModel;
    private readonly IEventStore store;

    public QueryBus(
        IServiceProvider services, IEnumerable<QueryRegistration> registrations, ConsistencyTokens tokens, IReadModel readModel, IEventStore store)
    {
        handlers = registrations.ToFrozenDictionary(
            registration => registration.QueryType,
            registration => (registration.Resolve(services), registration.Projections, $"query {registration.QueryType.Name}"));
        this.tokens = tokens;
        this.readModel = readModel;
        this.store = store;
    }

    public async ValueTask<QueryAnswer<TResult>> AskAsync<TQuery, TResult>(TQuery query, QueryContext context, CancellationToken cancellationToken)
        where TQuery : class
    {
        if (!handlers.TryGetValue(typeof(TQuery), out var entry)
            || entry.Handler is not (IReadModelQueryHandler<TQuery, TResult> or IEventLogQueryHandler<TQuery, TResult>))
        {
            throw new InvalidOperationException($"No handler is registered for {typeof(TQuery).FullName} that answers {typeof(TResult).FullName}.");
        }

        using var activity = EngineTelemetry.Source.StartActivity(entry.Name);
        try
        {
            Validation.ThrowIfInvalid(query);
            var required = string.IsNullOrEmpty(context.ConsistencyToken) ? (long?)null : tokens.Read(context.ConsistencyToken);
            if (entry.Handler is IReadModelQueryHandler<TQuery, TResult> reader)
            {
                var view = required is { } position
                    ? await readModel.WaitForAsync(position, entry.Projections!, (query as IStreamQuery)?.Stream, cancellationToken)
                    : await readModel.ViewAsync(entry.Projections!, cancellationToken);
                return new QueryAnswer<TResult>(await reader.HandleAsync(query, view, cancellationToken), view.Position);
            }

            // Read the head first: the answer then includes at least the events up to it.
            var head = await store.ReadHeadAsync(cancellationToken);
            var result = await ((IEventLogQueryHandler<TQuery, TResult>)entry.Handler).HandleAsync(query, cancellationToken);
            return new QueryAnswer<TResult>(result, head);
        }
        catch (Exception exception) when (activity is not null)
        {
            activity.SetStatus(ActivityStatusCode.Error, (exception as RejectedException)?.Code.Reason ?? exception.GetType().Name);
            throw;
        }
    }

    public async IAsyncEnumerable<QueryAnswer<TItem>> WatchAsync<TQuery, TItem>(
        TQuery query, QueryContext context, [EnumeratorCancellation] CancellationToken cancellationToken)
        where TQuery : class
    {
        if (!handlers.TryGetValue(typeof(TQuery), out var entry) || entry.Handler is not IReadModelWatchHandler<TQuery, TItem> handler)
        {
            throw new InvalidOperationException($"No handler is registered for {typeof(TQuery).FullName} that streams {typeof(TItem).FullName}.");
        }

        using var activity = EngineTelemetry.Source.StartActivity(entry.Name);
        Validation.ThrowIfInvalid(query);
        var view = string.IsNullOrEmpty(context.ConsistencyToken)
            ? await readModel.ViewAsync(entry.Projections!, cancellationToken)
            : await readModel.WaitForAsync(tokens.Read(context.ConsistencyToken), entry.Projections!, null, cancellationToken);
        await foreach (var answer in handler.WatchAsync(query, view, cancellationToken))
        {
            yield return answer;
        }
    }
}
