using System.Text.RegularExpressions;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Subscriptions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage;

/// <summary>Registers subscriptions: readers of the event log in the service's own processes.</summary>
public static partial class SubscriptionServices
{
    /// <summary>
    /// Adds a subscription whose handler handles each event at least once. It runs in one process at a time, of those
    /// that project (<c>Node:Role</c> Everything or Projector). Its progress, its parked events and the operators'
    /// actions on them are those of a consumer group with its name.
    /// </summary>
    /// <typeparam name="THandler">The handler. It is registered as a scoped service.</typeparam>
    /// <param name="services">The services.</param>
    /// <param name="name">
    /// The name, stored with its progress: 1-100 of a-z, 0-9, dot, underscore and hyphen, the first a letter. With
    /// another name it starts anew.
    /// </param>
    /// <param name="configure">What it asks for. Default: all events, one at a time, from the first on.</param>
    /// <exception cref="ArgumentException">The name is malformed or taken, or an option is out of range.</exception>
    public static IServiceCollection AddSubscription<THandler>(this IServiceCollection services, string name, Action<SubscriptionOptions>? configure = null)
        where THandler : class, ISubscriptionHandler => Add(services, typeof(THandler), isTransactional: false, name, configure);

    /// <summary>
    /// Adds a subscription whose handler handles each event exactly once, by writing to the write database. Otherwise as
    /// <see cref="AddSubscription"/>.
    /// </summary>
    /// <inheritdoc cref="AddSubscription"/>
    public static IServiceCollection AddTransactionalSubscription<THandler>(
        this IServiceCollection services, string name, Action<SubscriptionOptions>? configure = null)
        where THandler : class, ITransactionalSubscriptionHandler => Add(services, typeof(THandler), isTransactional: true, name, configure);

    private static IServiceCollection Add(
        IServiceCollection services, Type handler, bool isTransactional, string name, Action<SubscriptionOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!IsName(name))
        {
            throw new ArgumentException($"'{name}' is no name of a subscription: it must be 1-100 of a-z, 0-9, dot, underscore and hyphen, the first a letter.", nameof(name));
        }

        if (services.Any(service => service.ImplementationInstance is Subscription other && other.Name == name))
        {
            throw new ArgumentException($"There are two subscriptions named {name}; give each its own name.", nameof(name));
        }

        var options = new SubscriptionOptions();
        configure?.Invoke(options);
        if (options.MaxConcurrency is < 1 or > 1_000)
        {
            throw new ArgumentException($"MaxConcurrency of the subscription {name} is {options.MaxConcurrency}; it must be 1-1000.", nameof(configure));
        }

        var subscription = new Subscription(name, handler, isTransactional, options);
        services.TryAddScoped(handler);
        services.AddSingleton(subscription);
        return services.AddSingleton<IHostedService>(provider => new SubscriptionRunner(
            subscription,
            provider.GetRequiredService<ConsumerGroups>(),
            provider.GetRequiredService<EventTypeRegistry>(),
            provider.GetRequiredService<IServiceScopeFactory>(),
            provider.GetRequiredService<IOptions<FeedOptions>>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<SubscriptionRunner>>()));
    }

    /// <summary>Whether a text has the form of a consumer group's name, which is also that of a subscription's.</summary>
    public static bool IsName(string name) => Form().IsMatch(name);

    [GeneratedRegex(@"\A[a-z][a-z0-9._-]{0,99}\z", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Form();
}
