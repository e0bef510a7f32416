using System.Collections.Concurrent;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Readers;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage.Subscriptions;

/// <summary>The definition and the stored state of a consumer group.</summary>
/// <param name="Name">The name.</param>
/// <param name="Filter">The events it delivers.</param>
/// <param name="Position">
/// Everything up to and including this position is acknowledged, parked, or filtered out.
/// </param>
/// <param name="Head">The position of the last event in the store.</param>
/// <param name="Holder">The process that serves it; empty for none.</param>
/// <param name="Members">How many members are connected; a few seconds old if another process serves the group.</param>
/// <param name="InFlight">How many events are delivered and not yet acknowledged; also a few seconds old.</param>
/// <param name="ParkedEvents">How many events are parked.</param>
/// <param name="ParkedStreams">How many streams have parked events.</param>
/// <param name="Time">When it was created.</param>
/// <param name="IsInProcess">Whether a subscription of the service itself handles its events; clients cannot join it.</param>
internal sealed record ConsumerGroupInfo(
    string Name, FeedFilter Filter, long Position, long Head, string Holder, int Members, int InFlight, long ParkedEvents, long ParkedStreams, DateTimeOffset Time,
    bool IsInProcess);

/// <summary>
/// Consumer groups: named readers of the feed whose progress is stored in the write database. Guarantees:
/// <list type="number">
/// <item>Every matching event after the group's start is delivered at least once, or is parked and listed as
/// such.</item>
/// <item>The next event of a stream is delivered only after the previous one is acknowledged or parked; streams proceed
/// independently.</item>
/// <item>Acknowledgements are written within <see cref="FeedOptions.AckInterval"/>. If a process crashes
/// before that, the events are redelivered.</item>
/// <item>One process at a time serves a group. A process that has lost its lease can no longer advance the
/// group.</item>
/// </list>
/// </summary>
internal sealed partial class ConsumerGroups : IHostedService
{
    private readonly ConsumerGroupStore store;
    private readonly FeedLog log;
    private readonly FeedTail tail;
    private readonly FeedOptions options;
    private readonly TimeProvider clock;
    private readonly ILogger<ConsumerGroups> logger;
    private readonly WriteDatabase database;
    private readonly ConcurrentDictionary<string, ConsumerGroup> running = new(StringComparer.Ordinal);

    private readonly string holder = LeaseHolder.NewName();

    /// <summary>The leases that others hold, by group: a lease expires by what was seen of its holder.</summary>
    private readonly Dictionary<string, Lease> leases = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim holding = new(1);
    private volatile bool isStopping;

    internal ConsumerGroups(
        WriteDatabase database, ConsumerGroupStore store, FeedLog log, FeedTail tail, IOptions<FeedOptions> options, TimeProvider clock,
        ILogger<ConsumerGroups> logger)
    {
        this.database = database;
        this.store = store;
        this.log = log;
        this.tail = tail;
        this.options = options.Value;
        this.clock = clock;
        this.logger = logger;
    }

    /// <summary>Creates a group, or returns the existing one with the same definition.</summary>
    /// <param name="name">The name, 1-100 characters.</param>
    /// <param name="filter">The events it delivers.</param>
    /// <param name="startPosition">
    /// Start after this position; 0 for the beginning; null for the current end of the log.
    /// </param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <exception cref="RejectedException">
    /// <see cref="FeedErrors.GroupExists"/>, <see cref="FeedErrors.TooManyGroups"/>,
    /// <see cref="FeedErrors.PositionOutOfRange"/>.
    /// </exception>
    public async Task<ConsumerGroupInfo> CreateAsync(string name, FeedFilter filter, long? startPosition, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var head = await log.ReadHeadAsync(cancellationToken);
        var asked = startPosition ?? -1;
        for (var isInserted = false; ;)
        {
            if (await store.FindAsync(name, cancellationToken) is { } row)
            {
                return !row.IsInProcess && row.StartPosition == asked && string.Equals(row.Filter, filter.ToJson(), StringComparison.Ordinal)
                    ? InfoOf(row, head, default)
                    : throw new RejectedException(FeedErrors.GroupExists, $"There is a consumer group {name} with another start or filter.") { Subject = $"consumerGroups/{name}" };
            }

            if (isInserted)
            {
                throw NotFound(name);
            }

            EventFeed.RequireInLog(asked, head);
            if ((await store.ListAsync(cancellationToken)).Count >= options.MaxGroups)
            {
                throw new RejectedException(FeedErrors.TooManyGroups, $"The store holds {options.MaxGroups} consumer groups, which is what Feed:MaxGroups allows.");
            }

            await store.InsertAsync(name, filter, asked, startPosition ?? head, isInProcess: false, cancellationToken);
            isInserted = true;
        }
    }

    /// <summary>
    /// Removes a group with its progress and its parked events. Its members are notified. The group of a subscription
    /// that a process serves cannot be removed, only one that a later version of the service no longer has.
    /// </summary>
    /// <exception cref="RejectedException">
    /// <see cref="FeedErrors.GroupNotFound"/>, <see cref="FeedErrors.GroupInProcess"/>.
    /// </exception>
    public async Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        if (await store.FindAsync(name, cancellationToken) is { IsInProcess: true })
        {
            await DeleteSubscriptionAsync(name, cancellationToken);
            return;
        }

        if (!await store.DeleteAsync(name, lease: null, cancellationToken))
        {
            throw NotFound(name);
        }

        if (running.TryRemove(name, out var group))
        {
            await group.StopAsync(NotFound(name));
        }
    }

    /// <summary>Removes the group of a subscription that no process serves, under its lease.</summary>
    private async Task DeleteSubscriptionAsync(string name, CancellationToken cancellationToken)
    {
        await holding.WaitAsync(cancellationToken);
        try
        {
            if (running.TryGetValue(name, out var current) && !current.IsEnded)
            {
                RequireKind(name, isInProcess: true, isHandler: false);
            }

            await store.DeleteAsync(name, await TakeAsync(name, cancellationToken), cancellationToken);
        }
        catch (RejectedException refusal) when (refusal.Code == FeedErrors.GroupElsewhere)
        {
            RequireKind(name, isInProcess: true, isHandler: false);
        }
        catch (LeaseLostException)
        {
            RequireKind(name, isInProcess: true, isHandler: false);
        }
        finally
        {
            holding.Release();
        }
    }

    /// <summary>All groups by name.</summary>
    public async Task<IReadOnlyList<ConsumerGroupInfo>> ListAsync(CancellationToken cancellationToken)
    {
        var rows = await store.ListAsync(cancellationToken);
        var parked = await store.CountParkedAsync(cancellationToken);
        var head = await log.ReadHeadAsync(cancellationToken);
        return [.. rows.Select(row => InfoOf(row, head, parked.GetValueOrDefault(row.Name)))];
    }

    /// <summary>Connects a consumer to a group, which this process then serves.</summary>
    /// <param name="name">The group.</param>
    /// <param name="maxInFlight">The maximum number of the consumer's unacknowledged events.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <exception cref="RejectedException">
    /// <see cref="FeedErrors.GroupNotFound"/>, <see cref="FeedErrors.GroupElsewhere"/>,
    /// <see cref="FeedErrors.GroupFull"/>, <see cref="FeedErrors.GroupInProcess"/>,
    /// <see cref="FeedErrors.ServiceStopping"/>.
    /// </exception>
    public async Task<GroupMember> JoinAsync(string name, int maxInFlight, CancellationToken cancellationToken) =>
        (await HoldAsync(name, null, cancellationToken)).Join(maxInFlight);

    /// <summary>
    /// Connects a handler of the service itself to its group, which is created if necessary and gets the handler's
    /// filter.
    /// </summary>
    /// <param name="name">The group.</param>
    /// <param name="filter">The events that the handler asks for.</param>
    /// <param name="startsAtEnd">Whether a new group starts at the end of the log instead of its beginning.</param>
    /// <param name="maxInFlight">The maximum number of unacknowledged events.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <exception cref="RejectedException">As for <see cref="JoinAsync"/>.</exception>
    /// <exception cref="InvalidOperationException">A client has created a group with this name.</exception>
    internal async Task<GroupMember> JoinInProcessAsync(
        string name, FeedFilter filter, bool startsAtEnd, int maxInFlight, CancellationToken cancellationToken)
    {
        if (await store.FindAsync(name, cancellationToken) is null)
        {
            var start = startsAtEnd ? await log.ReadHeadAsync(cancellationToken) : 0;
            await store.InsertAsync(name, filter, startsAtEnd ? -1 : 0, start, isInProcess: true, cancellationToken);
        }

        return (await HoldAsync(name, filter, cancellationToken)).Join(maxInFlight);
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Writes pending changes and releases all groups, so that another process can take them over at once.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        isStopping = true;
        await holding.WaitAsync(cancellationToken);
        try
        {
            await Task.WhenAll(running.Values.Select(group => group.StopAsync(Stopping())));
        }
        finally
        {
            holding.Release();
        }
    }

    /// <summary>The group as served by this process, which takes it over if no other process serves it.</summary>
    /// <param name="name">The group.</param>
    /// <param name="filter">The filter of the service's own handler; null for a client.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    private async Task<ConsumerGroup> HoldAsync(string name, FeedFilter? filter, CancellationToken cancellationToken)
    {
        if (running.TryGetValue(name, out var current) && !current.IsEnded)
        {
            RequireKind(name, current.IsInProcess, filter is not null);
            return current;
        }

        await holding.WaitAsync(cancellationToken);
        try
        {
            if (isStopping)
            {
                throw Stopping();
            }

            if (running.TryGetValue(name, out current))
            {
                if (!current.IsEnded)
                {
                    RequireKind(name, current.IsInProcess, filter is not null);
                    return current;
                }

                // Its last writes must come before the first of its successor.
                await current.StopAsync(Elsewhere(name, options.RetryAfter));
                running.TryRemove(name, out _);
            }

            var row = await store.FindAsync(name, cancellationToken) ?? throw NotFound(name);
            RequireKind(name, row.IsInProcess, filter is not null);
            var lease = await TakeAsync(name, cancellationToken);
            if (filter is not null && !string.Equals(filter.ToJson(), row.Filter, StringComparison.Ordinal))
            {
                await store.SetFilterAsync(lease, filter, cancellationToken);
            }

            // Read under the lease: before, the group may have been deleted and made anew.
            var progress = await store.LoadAsync(name, cancellationToken) ?? throw NotFound(name);
            RequireKind(name, progress.IsInProcess, filter is not null);
            var group = new ConsumerGroup(store, log, tail, options, clock, logger, lease, progress);
            group.Start();
            return running[name] = group;
        }
        finally
        {
            holding.Release();
        }
    }

    /// <summary>
    /// Takes a group's lease, or rejects if another process holds it. The caller owns the lease: it belongs to one
    /// running group, whose fence stays the same.
    /// </summary>
    private async Task<Lease> TakeAsync(string name, CancellationToken cancellationToken)
    {
        if (!leases.TryGetValue(name, out var lease))
        {
            leases.Add(name, lease = new Lease(database, name, options.GroupLease, clock, logger, holder));
        }

        try
        {
            if (await lease.TryTakeAsync(cancellationToken))
            {
                leases.Remove(name);
                return lease;
            }
        }
        catch (LeaseMissingException)
        {
            leases.Remove(name);
            throw NotFound(name);
        }

        throw Elsewhere(name, lease.ExpiresIn > TimeSpan.Zero && lease.ExpiresIn < options.RetryAfter ? lease.ExpiresIn : options.RetryAfter);
    }

    private static void RequireKind(string name, bool isInProcess, bool isHandler)
    {
        if (isHandler && !isInProcess)
        {
            throw new InvalidOperationException(
                $"The subscription {name} of this service cannot start: a client has created a consumer group with this name. Delete the group, or name the subscription otherwise.");
        }

        if (isInProcess && !isHandler)
        {
            throw new RejectedException(FeedErrors.GroupInProcess, $"The events of {name} are handled by the service itself.")
            {
                Subject = $"consumerGroups/{name}",
            };
        }
    }

    private ConsumerGroupInfo InfoOf(ConsumerGroupRow row, long head, (long Events, long Streams) parked)
    {
        var (members, inFlight, position) = running.TryGetValue(row.Name, out var group) && !group.IsEnded
            ? group.Status
            : (row.Members, row.InFlight, row.Position);
        return new ConsumerGroupInfo(
            row.Name, FeedFilter.FromJson(row.Filter), position, Math.Max(head, position), row.Holder, members, inFlight, parked.Events, parked.Streams,
            UnixMicroseconds.ToTime(row.TimeMicroseconds), row.IsInProcess);
    }

    private RejectedException Stopping() => new(FeedErrors.ServiceStopping, "The service is stopping.") { RetryAfter = options.RetryAfter };

    private static RejectedException Elsewhere(string name, TimeSpan retryAfter) =>
        new(FeedErrors.GroupElsewhere, $"Another process of the service serves the consumer group {name}, or did until a moment ago.") { RetryAfter = retryAfter };

    private static RejectedException NotFound(string name) =>
        new(FeedErrors.GroupNotFound, $"There is no consumer group {name}.") { Subject = $"consumerGroups/{name}" };
}
