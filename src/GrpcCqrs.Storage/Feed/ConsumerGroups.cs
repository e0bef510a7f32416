using System.Collections.Concurrent;
using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage;

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
public sealed record ConsumerGroupInfo(
    string Name, FeedFilter Filter, long Position, long Head, string Holder, int Members, int InFlight, long ParkedEvents, long ParkedStreams, DateTimeOffset Time);

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
public sealed class ConsumerGroups : IHostedService
{
    private readonly ConsumerGroupStore store;
    private readonly FeedLog log;
    private readonly FeedTail tail;
    private readonly FeedOptions options;
    private readonly TimeProvider clock;
    private readonly ILogger<ConsumerGroups> logger;
    private readonly string holder;
    private readonly ConcurrentDictionary<string, ConsumerGroup> running = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long Fence, long Beat, long SeenAt)> observed = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim holding = new(1);
    private volatile bool isStopping;

    internal ConsumerGroups(
        ConsumerGroupStore store, FeedLog log, FeedTail tail, IOptions<FeedOptions> options, TimeProvider clock, ILogger<ConsumerGroups> logger)
    {
        this.store = store;
        this.log = log;
        this.tail = tail;
        this.options = options.Value;
        this.clock = clock;
        this.logger = logger;
        holder = $"{Environment.MachineName} process {Environment.ProcessId} {Guid.CreateVersion7(clock.GetUtcNow()):N}";
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
                return row.StartPosition == asked && string.Equals(row.Filter, filter.ToJson(), StringComparison.Ordinal)
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

            await store.InsertAsync(name, filter, asked, startPosition ?? head, cancellationToken);
            isInserted = true;
        }
    }

    /// <summary>Removes a group with its progress and its parked events. Its members are notified.</summary>
    /// <exception cref="RejectedException"><see cref="FeedErrors.GroupNotFound"/>.</exception>
    public async Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        if (!await store.DeleteAsync(name, cancellationToken))
        {
            throw NotFound(name);
        }

        if (running.TryRemove(name, out var group))
        {
            await group.StopAsync(NotFound(name));
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
    /// <see cref="FeedErrors.GroupFull"/>, <see cref="FeedErrors.ServiceStopping"/>.
    /// </exception>
    public async Task<GroupMember> JoinAsync(string name, int maxInFlight, CancellationToken cancellationToken) =>
        (await HoldAsync(name, cancellationToken)).Join(maxInFlight);

    /// <summary>
    /// A group's parked events after a position, in order. Events parked within the last fraction of a second may be
    /// missing.
    /// </summary>
    /// <exception cref="RejectedException"><see cref="FeedErrors.GroupNotFound"/>.</exception>
    public async Task<IReadOnlyList<GroupParkedEventRow>> ListParkedAsync(
        string name, string? stream, bool withSkipped, long afterPosition, int maxCount, CancellationToken cancellationToken) =>
        await store.FindAsync(name, cancellationToken) is null
            ? throw NotFound(name)
            : await store.ReadParkedAsync(name, stream, afterPosition, maxCount, withSkipped, cancellationToken);

    /// <summary>Redelivers all parked events of a stream, in order, and returns their number.</summary>
    /// <exception cref="RejectedException">
    /// <see cref="FeedErrors.ParkedNotFound"/>, or as for <see cref="JoinAsync"/>.
    /// </exception>
    public async Task<int> RetryParkedAsync(string name, string stream, CancellationToken cancellationToken) =>
        await (await HoldAsync(name, cancellationToken)).RetryParkedAsync(stream);

    /// <summary>
    /// Skips the first parked event of a stream permanently; the others stay parked. Repeating it has no further
    /// effect.
    /// </summary>
    /// <param name="name">The group.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="position">The event's position, so that a repeated call does not skip the next one.</param>
    /// <param name="user">The user who skips it; recorded with the time.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <exception cref="RejectedException">
    /// <see cref="FeedErrors.ParkedNotFound"/>, <see cref="FeedErrors.ParkedRetrying"/>, or as for
    /// <see cref="JoinAsync"/>.
    /// </exception>
    public async Task SkipParkedAsync(string name, string stream, long position, string user, CancellationToken cancellationToken) =>
        await (await HoldAsync(name, cancellationToken)).SkipParkedAsync(stream, position, user, cancellationToken);

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
    private async Task<ConsumerGroup> HoldAsync(string name, CancellationToken cancellationToken)
    {
        if (running.TryGetValue(name, out var current) && !current.IsEnded)
        {
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
                    return current;
                }

                // Its last writes must come before the first of its successor.
                await current.StopAsync(Elsewhere(name, options.RetryAfter));
                running.TryRemove(name, out _);
            }

            var row = await store.FindAsync(name, cancellationToken) ?? throw NotFound(name);
            if (row.Holder.Length > 0 && !string.Equals(row.Holder, holder, StringComparison.Ordinal))
            {
                RequireSilence(row);
            }

            var lease = await store.TakeAsync(row, holder, cancellationToken) ?? throw Elsewhere(name, options.RetryAfter);
            var progress = await store.LoadAsync(lease, cancellationToken) ?? throw Elsewhere(name, options.RetryAfter);
            var group = new ConsumerGroup(store, log, tail, FeedFilter.FromJson(row.Filter), options, clock, logger, lease, progress);
            group.Start();
            return running[name] = group;
        }
        finally
        {
            holding.Release();
        }
    }

    /// <summary>
    /// Rejects unless the group's holder has not renewed its lease for the length of a lease. This is measured from
    /// when this process first saw the last renewal, so no two clocks are compared.
    /// </summary>
    private void RequireSilence(ConsumerGroupRow row)
    {
        if (!observed.TryGetValue(row.Name, out var seen) || seen.Fence != row.Fence || seen.Beat != row.Beat)
        {
            observed[row.Name] = seen = (row.Fence, row.Beat, clock.GetTimestamp());
        }

        var left = options.GroupLease - clock.GetElapsedTime(seen.SeenAt);
        if (left > TimeSpan.Zero)
        {
            throw Elsewhere(row.Name, left < options.RetryAfter ? left : options.RetryAfter);
        }

        observed.Remove(row.Name);
    }

    private ConsumerGroupInfo InfoOf(ConsumerGroupRow row, long head, (long Events, long Streams) parked)
    {
        var (members, inFlight, position) = running.TryGetValue(row.Name, out var group) && !group.IsEnded
            ? group.Status
            : (row.Members, row.InFlight, row.Position);
        return new ConsumerGroupInfo(
            row.Name, FeedFilter.FromJson(row.Filter), position, Math.Max(head, position), row.Holder, members, inFlight, parked.Events, parked.Streams,
            UnixMicroseconds.ToTime(row.TimeMicroseconds));
    }

    private RejectedException Stopping() => new(FeedErrors.ServiceStopping, "The service is stopping.") { RetryAfter = options.RetryAfter };

    private static RejectedException Elsewhere(string name, TimeSpan retryAfter) =>
        new(FeedErrors.GroupElsewhere, $"Another process of the service serves the consumer group {name}, or did until a moment ago.") { RetryAfter = retryAfter };

    private static RejectedException NotFound(string name) =>
        new(FeedErrors.GroupNotFound, $"There is no consumer group {name}.") { Subject = $"consumerGroups/{name}" };
}
