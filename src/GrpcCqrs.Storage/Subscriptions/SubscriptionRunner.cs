using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage.Subscriptions;

/// <summary>A subscription as registered.</summary>
/// <param name="Name">The name, which its consumer group has too.</param>
/// <param name="Handler">The type of its handler.</param>
/// <param name="IsTransactional">
/// Whether the handler is an <see cref="ITransactionalSubscriptionHandler"/>; otherwise it is an
/// <see cref="ISubscriptionHandler"/>.
/// </param>
/// <param name="Options">What it asks for.</param>
internal sealed record Subscription(string Name, Type Handler, bool IsTransactional, SubscriptionOptions Options);

/// <summary>
/// Runs a subscription: the one member of its consumer group, in one process at a time. The others stand by and try to
/// take the group over.
/// </summary>
internal sealed partial class SubscriptionRunner(
    Subscription subscription,
    ConsumerGroups groups,
    EventTypeRegistry types,
    IServiceScopeFactory scopes,
    IOptions<FeedOptions> feed,
    TimeProvider clock,
    ILogger<SubscriptionRunner> logger) : BackgroundService
{
    private readonly FeedFilter filter = FilterOf(subscription, types);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        var failures = 0;
        while (feed.Value.RunsSubscriptions && !stoppingToken.IsCancellationRequested)
        {
            TimeSpan pause;
            try
            {
                using var member = await groups.JoinInProcessAsync(
                    subscription.Name, filter, subscription.Options.Start == SubscriptionStart.End, subscription.Options.MaxConcurrency, stoppingToken);
                failures = 0;
                using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, member.Ended);
                await (subscription.IsTransactional ? HandleOnceAsync(member, ending.Token) : HandleEachAsync(member, ending.Token));
                pause = feed.Value.RetryAfter;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (OperationCanceledException)
            {
                // This process no longer serves the subscription.
                pause = feed.Value.RetryAfter;
            }
            catch (RejectedException refusal)
            {
                // Usually another process serves it.
                LogStandsBy(logger, subscription.Name, refusal.Message);
                pause = refusal.RetryAfter ?? feed.Value.RetryAfter;
            }
#pragma warning disable CA1031 // A subscription must survive any error of the database; the log reports it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                LogFailed(logger, subscription.Name, exception);
                pause = Backoff.After(++failures, feed.Value.RetryDelay, feed.Value.MaxRetryDelay);
            }

            await Task.Delay(pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The events that a subscription asks for.</summary>
    /// <exception cref="InvalidOperationException">No registered event is of a type that it asks for.</exception>
    private static FeedFilter FilterOf(Subscription subscription, EventTypeRegistry types)
    {
        foreach (var asked in subscription.Options.EventTypes)
        {
            if (!types.All.Any(type => asked.IsAssignableFrom(type.ClrType)))
            {
                throw new InvalidOperationException(
                    $"The subscription {subscription.Name} handles {asked.Name}, of which the service has no event: add its module with AddEvents.");
            }
        }

        return new FeedFilter(
            [.. types.All.Where(type => subscription.Options.EventTypes.Any(asked => asked.IsAssignableFrom(type.ClrType))).Select(type => type.Name)],
            "",
            subscription.Options.Category)
        {
            // A newer version of the service may have more events of a base type. They wait until it runs this subscription.
            IncludesUnknown = subscription.Options.EventTypes.Any(asked => asked.IsAbstract),
        };
    }

    /// <summary>Handles events at least once: each is acknowledged after its handler has returned.</summary>
    private Task HandleEachAsync(GroupMember member, CancellationToken cancellationToken) => Parallel.ForEachAsync(
        member.ReadAsync(cancellationToken),
        new ParallelOptions { MaxDegreeOfParallelism = subscription.Options.MaxConcurrency, CancellationToken = cancellationToken },
        async (delivery, cancelled) =>
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                var handler = (ISubscriptionHandler)scope.ServiceProvider.GetRequiredService(subscription.Handler);
                foreach (var (envelope, part) in EnvelopesOf(delivery))
                {
                    var context = new SubscriptionContext(subscription.Name, envelope.Record, delivery.Attempt) { Part = part };
                    await handler.HandleAsync(envelope, context, cancelled);
                }

                member.Acknowledge([delivery.Id]);
            }
            catch (Exception exception) when (!cancelled.IsCancellationRequested)
            {
                Fail(member, delivery, exception);
            }
        });

    /// <summary>
    /// Handles events exactly once: those that are waiting share a transaction. If it fails, each is tried alone.
    /// </summary>
    private async Task HandleOnceAsync(GroupMember member, CancellationToken cancellationToken)
    {
        while (true)
        {
            var batch = await member.ReadBatchAsync(subscription.Options.MaxConcurrency, cancellationToken);
            if (!await TryHandleOnceAsync(member, batch, cancellationToken) && batch.Count > 1)
            {
                foreach (var delivery in batch)
                {
                    await TryHandleOnceAsync(member, [delivery], cancellationToken);
                }
            }
        }
    }

    private async Task<bool> TryHandleOnceAsync(GroupMember member, IReadOnlyList<Delivery> batch, CancellationToken cancellationToken)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            await member.HandleOnceAsync(batch, HandleAsync, cancellationToken);
            member.Acknowledge(batch.Select(delivery => delivery.Id));
            return true;

            async Task HandleAsync(Delivery delivery, DbTransaction transaction)
            {
                using var forbidden = CommandGuard.Enter(subscription.Name);
                var handler = (ITransactionalSubscriptionHandler)scope.ServiceProvider.GetRequiredService(subscription.Handler);
                foreach (var (envelope, _) in EnvelopesOf(delivery))
                {
                    await handler.HandleAsync(envelope, transaction, cancellationToken);
                }
            }
        }
        catch (HandlingFailedException failure)
        {
            // Of several, the one at fault is found by trying each alone.
            if (batch is [var only])
            {
                Fail(member, only, failure.InnerException!);
            }

            return false;
        }
    }

    /// <summary>The typed events of a delivery, each with its place among those that its record is upcast to.</summary>
    private IEnumerable<(EventEnvelope Envelope, int Part)> EnvelopesOf(Delivery delivery)
    {
        var all = types.Read(delivery.Item.Record.Record);
        return delivery.Events.Select(selected => (all[selected.Index], selected.Index));
    }

    private void Fail(GroupMember member, Delivery delivery, Exception exception)
    {
        var record = delivery.Item.Record.Record;
        LogHandlerFailed(logger, subscription.Name, record.Position, record.Type, record.Stream, exception);
        member.Fail(delivery.Id, ErrorText.Of(exception), park: false);
    }

    [LoggerMessage(1421, LogLevel.Debug, "Subscription {Subscription} stands by: {Reason}")]
    private static partial void LogStandsBy(ILogger logger, string subscription, string reason);

    [LoggerMessage(1422, LogLevel.Error, "Subscription {Subscription} was interrupted; it is started again")]
    private static partial void LogFailed(ILogger logger, string subscription, Exception exception);

    [LoggerMessage(1423, LogLevel.Error, "Subscription {Subscription} failed to handle event {Position}, {Type} of {Stream}; it is tried again or parked")]
    private static partial void LogHandlerFailed(ILogger logger, string subscription, long position, string type, StreamId stream, Exception exception);
}
