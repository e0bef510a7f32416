using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace GrpcCqrs.EventSourcing;

/// <summary>Registers the engine and, one by one, a service's messages.</summary>
public static class EngineServices
{
    /// <summary>Adds the buses with their pipeline, the write path and the tokens. Safe to call more than once.</summary>
    public static IServiceCollection AddEventSourcing(this IServiceCollection services, EventTypeRegistry types)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(types);
        services.AddOptions<StateCacheOptions>().BindConfiguration(StateCacheOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton<StateCache>();
        services.TryAddSingleton<StoreIdentity>();
        services.TryAddSingleton<TokenSealer>();
        services.TryAddSingleton<ConsistencyTokens>();
        services.TryAddSingleton<PageTokens>();
        services.TryAddSingleton<ICommandBus, CommandBus>();
        services.TryAddSingleton<IQueryBus, QueryBus>();

        // The order of the pipeline: the first is the outermost.
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICommandBehavior, CommandTracing>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICommandBehavior, CommandAudit>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICommandBehavior, CommandValidation>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICommandBehavior, CommandDeduplication>());
        return services;
    }

    /// <summary>Adds the write path of an aggregate.</summary>
    /// <param name="services">The services.</param>
    /// <param name="snapshots">How its states are kept as snapshots; null for none.</param>
    public static IServiceCollection AddAggregate<TAggregate, TEvent>(this IServiceCollection services, ISnapshots<TAggregate>? snapshots = null)
        where TAggregate : class, IAggregate<TAggregate, TEvent>
        where TEvent : class
    {
        if (snapshots is not null)
        {
            services.AddSingleton(snapshots);
        }

        return services.AddSingleton(provider => new AggregateStore<TAggregate, TEvent>(
            provider.GetRequiredService<IEventStore>(),
            provider.GetRequiredService<EventTypeRegistry>(),
            provider.GetRequiredService<StateCache>(),
            provider.GetServices<ISnapshots<TAggregate>>(),
            provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>Adds a command with its handler. A command type that is added twice fails when the bus is built.</summary>
    public static IServiceCollection AddCommand<TCommand, THandler>(this IServiceCollection services)
        where TCommand : class
        where THandler : class, ICommandHandler<TCommand>
    {
        services.AddSingleton<THandler>();
        return services.AddSingleton(new CommandRegistration(typeof(TCommand), typeof(THandler), static (provider, behaviors) =>
        {
            CommandStage<TCommand> stage = provider.GetRequiredService<THandler>().HandleAsync;
            for (var index = behaviors.Count - 1; index >= 0; index--)
            {
                stage = behaviors[index].Wrap(stage);
            }

            return stage;
        }));
    }

    /// <summary>Adds a query of the read model with its handler. A query type that is added twice fails when the bus is built.</summary>
    /// <param name="services">The services.</param>
    /// <param name="projections">The names of the projections whose tables the handler reads, one at least.</param>
    /// <exception cref="ArgumentException">No projection is named.</exception>
    public static IServiceCollection AddReadModelQuery<TQuery, TResult, THandler>(this IServiceCollection services, params string[] projections)
        where TQuery : class
        where THandler : class, IReadModelQueryHandler<TQuery, TResult>
    {
        ArgumentNullException.ThrowIfNull(projections);
        if (projections.Length == 0)
        {
            throw new ArgumentException("A query of the read model reads at least one projection.", nameof(projections));
        }

        services.AddSingleton<THandler>();
        return services.AddSingleton(new QueryRegistration(
            typeof(TQuery), typeof(THandler), projections, static provider => provider.GetRequiredService<THandler>()));
    }

    /// <summary>Adds a query that is watched, with its handler. A query type that is added twice fails when the bus is built.</summary>
    /// <param name="services">The services.</param>
    /// <param name="projections">The names of the projections whose tables the handler reads, one at least.</param>
    public static IServiceCollection AddReadModelWatch<TQuery, TItem, THandler>(this IServiceCollection services, params string[] projections)
        where TQuery : class
        where THandler : class, IReadModelWatchHandler<TQuery, TItem>
    {
        services.AddSingleton<THandler>();
        return services.AddSingleton(new QueryRegistration(
            typeof(TQuery), typeof(THandler), projections, static provider => provider.GetRequiredService<THandler>()));
    }

    /// <summary>Adds a query of the event log with its handler. A query type that is added twice fails when the bus is built.</summary>
    public static IServiceCollection AddEventLogQuery<TQuery, TResult, THandler>(this IServiceCollection services)
        where TQuery : class
        where THandler : class, IEventLogQueryHandler<TQuery, TResult>
    {
        services.AddSingleton<THandler>();
        return services.AddSingleton(new QueryRegistration(
            typeof(TQuery), typeof(THandler), null, static provider => provider.GetRequiredService<THandler>()));
    }

    /// <summary>Adds a projection.</summary>
    public static IServiceCollection AddProjection<TProjection>(this IServiceCollection services)
        where TProjection : class, IProjection =>
        services.AddSingleton<IProjection, TProjection>();
}
