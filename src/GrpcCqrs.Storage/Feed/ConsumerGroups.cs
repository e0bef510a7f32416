using System.Collections.Concurrent;
using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage;

/// <summary>A consumer group as its definition and the database say.</summary>
/// <param name="Name">The name.</param>
/// <param name="Filter">Which events it takes.</param>
/// <param name="Position">Everything up to and with it is acknowledged, parked, or not wanted.</param>
/// <param name="Head">The position of the newest event of the store.</param>
/// <param name="Holder">The process that serves it; empty for none.</param>
/// <param name="Members">How many members are connected; as of a few seconds ago where another process serves it.</param>
/// <param name="InFlight">How many events are delivered and not yet acknowledged; as of then too.</param>
/// <param name="ParkedEvents">How many events are parked.</param>
/// <param name="ParkedStreams">Of how many streams.</param>
/// <param name="Time">When it was made.</param>
public sealed record ConsumerGroupInfo(
    string Name, FeedFilter Filter, long Position, long Head, string Holder, int Members, int InFlight, long ParkedEvents, long ParkedStreams, DateTimeOffset Time);

/// <summary>
/// Consumer groups: named readers of the feed whose progress the write database keeps. What they promise:
/// <list type="number">
/// <item>Every wanted event behind the group's start is delivered at least once, or parked and listed as such.</item>
/// <item>The next event of a stream is delivered only after the one before it is acknowledged or parked; streams go on independently.</item>
/// <item>What was acknowledged is written within <see cref="FeedOptions.AckInterval"/>; what was not written when a process died is
/// delivered again.</item>
/// <item>One process at a time serves a group. One that has lost its lease cannot move the group any more.</item>
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

    /// <summary>Makes a group, or finds the one that was made the same.</summary>
    /// <param name="name">The name, 1-100 characters.</param>
    /// <param name="filter">Which events it takes.</param>
    /// <param name="startPosition">The position behind which it starts; 0 for the beginning; null for the end of the log as it is now.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="RejectedException">
    /// <see cref="FeedErrors.GroupExists"/>, <see cref="FeedErrors.TooManyGroups"/>, <see cref="FeedErrors.PositionOutOfRange"/>.
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

    /// <summary>Removes a group with its progress and all that it has parked. Members are told that it is gone.</summary>
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
    /// <param name="maxInFlight">How many events the consumer takes before it has acknowledged the first of them.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="RejectedException">
    /// <see cref="FeedErrors.GroupNotFound"/>, <see cref="FeedErrors.GroupElsewhere"/>, <see cref="FeedErrors.GroupFull"/>,
    /// <see cref="FeedErrors.ServiceStopping"/>.
    /// </exception>
    public async Task<GroupMember> JoinAsync(string name, int maxInFlight, CancellationToken cancellationToken) =>
        (await HoldAsync(name, cancellationToken)).Join(maxInFlight);

    /// <summary>
    /// A group's parked events behind a position, in order; what was parked in the last fraction of a second may not be there yet.
    /// </summary>
    /// <exception cref="RejectedException"><see cref="FeedErrors.GroupNotFound"/>.</exception>
    public async Task<IReadOnlyList<GroupParkedEventRow>> ListParkedAsync(
        string name, string? stream, bool withSkipped, long afterPosition, int maxCount, CancellationToken cancellationToken) =>
        await store.FindAsync(name, cancellationToken) is null
            ? throw NotFound(name)
            : await store.ReadParkedAsync(name, stream, afterPosition, maxCount, withSkipped, cancellationToken);

    /// <summary>Has all parked events of a stream delivered again, in order, and says how many there are.</summary>
    /// <exception cref="RejectedException">
    /// <see cref="FeedErrors.ParkedNotFound"/>, or as for <see cref="JoinAsync"/>.
    /// </exception>
    public async Task<int> RetryParkedAsync(string name, string stream, CancellationToken cancellationToken) =>
        await (await HoldAsync(name, cancellationToken)).RetryParkedAsync(stream);

    /// <summary>Drops the first parked event of a stream, for good; the others stay parked. Repeating it has no further effect.</summary>
    /// <param name="name">The group.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="position">The event's position, so that a repetition does not drop the next one.</param>
    /// <param name="user">Who says so; recorded with the time.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="RejectedException">
    /// <see cref="FeedErrors.ParkedNotFound"/>, <see cref="FeedErrors.ParkedRetrying"/>, or as for <see cref="JoinAsync"/>.
    /// </exception>
    public async Task SkipParkedAsync(string name, string stream, long position, string user, CancellationToken cancellationToken) =>
        await (await HoldAsync(name, cancellationToken)).SkipParkedAsync(stream, position, user, cancellationToken);

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Writes what is unwritten and gives all groups up, so that another process can take them at once.</summary>
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

    /// <summary>The group as this process serves it, taken over where nobody else does.</summary>
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

                // Its last writes come before the next one's first.
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
    /// Refuses unless the group's holder has shown no sign of life for as long as a lease. That is measured here, from when its last sign
    /// was first seen, so that no two clocks are compared.
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
