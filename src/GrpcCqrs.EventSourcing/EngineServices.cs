using System.Reflection;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace GrpcCqrs.EventSourcing;

/// <summary>Registers the engine and a service's messages.</summary>
public static class EngineServices
{
    /// <summary>
    /// Adds the buses with their pipeline, the write path and the tokens. Can be called more than once.
    /// </summary>
    public static IServiceCollection AddEventSourcing(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(provider => EventTypeRegistry.Merge(provider.GetServices<EventModule>().Select(module => module.Types)));
        services.AddOptions<StateCacheOptions>().BindConfiguration(StateCacheOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton<StateCache>();
        services.TryAddSingleton<StoreIdentity>();
        services.TryAddSingleton<TokenSealer>();
        services.TryAddSingleton<ConsistencyTokens>();
        services.TryAddSingleton<PageTokens>();
        services.TryAddSingleton<ICommandBus, CommandBus>();
        services.TryAddSingleton<IQueryBus, QueryBus>();

        // Pipeline order: the first is the outermost.
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICommandBehavior, CommandTracing>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICommandBehavior, CommandAudit>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICommandBehavior, CommandValidation>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICommandBehavior, CommandDeduplication>());
        return services;
    }

    /// <summary>
    /// Adds a module's events: all classes in <typeparamref name="TEvent"/>'s assembly that derive from it or implement
    /// it, each with a <see cref="StoredEventAttribute"/>. Each module of a service adds its own.
    /// </summary>
    /// <typeparam name="TEvent">The base type or interface of the module's events.</typeparam>
    /// <param name="services">The services.</param>
    /// <param name="json">Source-generated serialisation, with a <c>[JsonSerializable]</c> for each event.</param>
    /// <param name="upcast">Adds the upcasters from older versions of the events. Default: none.</param>
    /// <exception cref="ArgumentException">
    /// An event has no <see cref="StoredEventAttribute"/> or no serialisation, or a type, a name or an upcaster is
    /// already registered by this or another module. The message lists every problem and its fix.
    /// </exception>
    public static IServiceCollection AddEvents<TEvent>(
        this IServiceCollection services, JsonSerializerContext json, Action<EventTypeRegistry.Builder>? upcast = null)
        where TEvent : class => services.AddEvents(EventTypeRegistry.Create(types =>
        {
            types.AddAll<TEvent>(json);
            upcast?.Invoke(types);
        }));

    /// <summary>Adds the event types and upcasters of an existing registry.</summary>
    /// <param name="services">The services.</param>
    /// <param name="types">The types and upcasters; may be upcasters only.</param>
    /// <exception cref="ArgumentException">A type, a name or an upcaster is already registered.</exception>
    public static IServiceCollection AddEvents(this IServiceCollection services, EventTypeRegistry types)
    {
        ArgumentNullException.ThrowIfNull(types);

        // Merge here too, so that a duplicate fails at registration and not at the first event.
        _ = EventTypeRegistry.Merge(
            [.. services.Where(service => service.ServiceType == typeof(EventModule)).Select(service => ((EventModule)service.ImplementationInstance!).Types), types]);
        return services.AddSingleton(new EventModule(types));
    }

    /// <summary>Adds the write path of an aggregate.</summary>
    /// <param name="services">The services.</param>
    /// <param name="snapshots">How its states are stored as snapshots; null for no snapshots.</param>
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

    /// <summary>
    /// Adds every command of an assembly that is a decision of an aggregate
    /// (<see cref="IDecision{TAggregate, TEvent}"/>). Adding a command type twice fails when the bus is built.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="assembly">The assembly with the commands.</param>
    public static IServiceCollection AddDecisions<TAggregate, TEvent>(this IServiceCollection services, Assembly assembly)
        where TAggregate : class, IAggregate<TAggregate, TEvent>
        where TEvent : class
    {
        ArgumentNullException.ThrowIfNull(assembly);
        var add = typeof(EngineServices).GetMethod(nameof(AddCommand))!;
        foreach (var command in assembly.GetTypes().Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(IDecision<TAggregate, TEvent>))))
        {
            add.MakeGenericMethod(command, typeof(DecisionHandler<,,>).MakeGenericType(command, typeof(TAggregate), typeof(TEvent))).Invoke(null, [services]);
        }

        return services;
    }

    /// <summary>Adds a command with its handler. Adding a command type twice fails when the bus is built.</summary>
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

    /// <summary>
    /// Adds a read model query with its handler. Adding a query type twice fails when the bus is built.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="projections">The names of the projections whose tables the handler reads, at least one.</param>
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

    /// <summary>Adds a watch query with its handler. Adding a query type twice fails when the bus is built.</summary>
    /// <param name="services">The services.</param>
    /// <param name="projections">The names of the projections whose tables the handler reads, at least one.</param>
    public static IServiceCollection AddReadModelWatch<TQuery, TItem, THandler>(this IServiceCollection services, params string[] projections)
        where TQuery : class
        where THandler : class, IReadModelWatchHandler<TQuery, TItem>
    {
        services.AddSingleton<THandler>();
        return services.AddSingleton(new QueryRegistration(
            typeof(TQuery), typeof(THandler), projections, static provider => provider.GetRequiredService<THandler>()));
    }

    /// <summary>
    /// Adds an event log query with its handler. Adding a query type twice fails when the bus is built.
    /// </summary>
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

/// <summary>The event types of one module of a service.</summary>
internal sealed record EventModule(EventTypeRegistry Types);
