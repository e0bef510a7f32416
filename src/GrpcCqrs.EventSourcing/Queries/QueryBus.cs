using System.Collections.Frozen;
using System.Diagnostics;

namespace GrpcCqrs.EventSourcing;

/// <summary>What came with a query besides the query.</summary>
/// <param name="ConsistencyToken">The answer must not be from an older state than this token's; null or empty for no demand.</param>
public sealed record QueryContext(string? ConsistencyToken = null);

/// <summary>Answers queries of one type. Handlers are singletons and hold no state of a call.</summary>
public interface IQueryHandler<in TQuery, TResult>
    where TQuery : class
{
    /// <summary>Answers the query.</summary>
    /// <exception cref="RejectedException">The query is refused.</exception>
    ValueTask<TResult> HandleAsync(TQuery query, CancellationToken cancellationToken);
}

/// <summary>Sends queries to their handlers.</summary>
public interface IQueryBus
{
    /// <summary>Validates, waits for the consistency token and answers.</summary>
    /// <exception cref="RejectedException">The query is refused, or the read model did not reach the token in time.</exception>
    /// <exception cref="InvalidOperationException">No handler is registered for the type: a fault of the service's set-up.</exception>
    ValueTask<TResult> AskAsync<TQuery, TResult>(TQuery query, QueryContext context, CancellationToken cancellationToken)
        where TQuery : class;
}

/// <summary>Where a query's answer comes from.</summary>
public enum QuerySource
{
    /// <summary>The read database, which follows the event log; a consistency token is waited for.</summary>
    ReadModel,

    /// <summary>The event log itself, which is never behind.</summary>
    EventLog,
}

/// <summary>A query type with its handler.</summary>
/// <param name="QueryType">The query type.</param>
/// <param name="HandlerType">The handler's type.</param>
/// <param name="Source">Where the answer comes from.</param>
/// <param name="Resolve">Gets the handler.</param>
public sealed record QueryRegistration(Type QueryType, Type HandlerType, QuerySource Source, Func<IServiceProvider, object> Resolve);

/// <summary>Tells how far the read model has come.</summary>
public interface IReadModelPosition
{
    /// <summary>The position that every projection has reached.</summary>
    long Current { get; }

    /// <summary>Returns at once where the read model has reached the position, else when it does.</summary>
    /// <exception cref="RejectedException"><see cref="EngineErrors.ReadModelBehind"/>: not reached within the configured limit.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    ValueTask WaitForAsync(long position, CancellationToken cancellationToken);
}

internal sealed class QueryBus : IQueryBus
{
    private readonly FrozenDictionary<Type, (object Handler, QuerySource Source, string Name)> handlers;
    private readonly ConsistencyTokens tokens;
    private readonly IReadModelPosition position;

    public QueryBus(IServiceProvider services, IEnumerable<QueryRegistration> registrations, ConsistencyTokens tokens, IReadModelPosition position)
    {
        handlers = registrations.ToFrozenDictionary(
            registration => registration.QueryType,
            registration => (registration.Resolve(services), registration.Source, $"query {registration.QueryType.Name}"));
        this.tokens = tokens;
        this.position = position;
    }

    public async ValueTask<TResult> AskAsync<TQuery, TResult>(TQuery query, QueryContext context, CancellationToken cancellationToken)
        where TQuery : class
    {
        if (!handlers.TryGetValue(typeof(TQuery), out var entry) || entry.Handler is not IQueryHandler<TQuery, TResult> handler)
        {
            throw new InvalidOperationException($"No handler is registered for {typeof(TQuery).FullName} that answers {typeof(TResult).FullName}.");
        }

        using var activity = EngineTelemetry.Source.StartActivity(entry.Name);
        try
        {
            Validation.ThrowIfInvalid(query);
            if (!string.IsNullOrEmpty(context.ConsistencyToken))
            {
                var required = tokens.Read(context.ConsistencyToken);
                if (entry.Source == QuerySource.ReadModel)
                {
                    await position.WaitForAsync(required, cancellationToken);
                }
            }

            return await handler.HandleAsync(query, cancellationToken);
        }
        catch (Exception exception) when (activity is not null)
        {
            activity.SetStatus(ActivityStatusCode.Error, (exception as RejectedException)?.Code.Reason ?? exception.GetType().Name);
            throw;
        }
    }
}
