using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Readers;
using Microsoft.Extensions.Logging;

namespace GrpcCqrs.Storage.Subscriptions;

/// <summary>
/// A consumer group that this process serves. One loop feeds it from the log, another writes its progress and renews
/// its lease. It ends when it has had no members for a while, when another process has taken it over, or when the
/// service stops.
/// </summary>
internal sealed partial class ConsumerGroup
{
    /// <summary>How many parked events of a stream are loaded at a time for redelivery.</summary>
    private const int ReplayBatch = 200;

    private static readonly TimeSpan FailurePause = TimeSpan.FromSeconds(1);

    private readonly ConsumerGroupStore store;
    private readonly FeedLog log;
    private readonly FeedTail tail;
    private readonly FeedFilter filter;
    private readonly FeedOptions options;
    private readonly TimeProvider clock;
    private readonly ILogger logger;
    private readonly Lease lease;
    private readonly ConsumerGroupState state;
    private readonly Lock gate = new();
    private readonly SemaphoreSlim writing = new(1);
    private readonly SemaphoreSlim wanted = new(0, 1);
    private readonly CancellationTokenSource ending = new();
    private GroupChanges? unwritten;
    private RejectedException? ended;
    private bool isFull;
    private Task running = Task.CompletedTask;
    private long writes;
    private long reconciledAt;
    private long writtenAt;
    private long usedAt;

    public ConsumerGroup(
        ConsumerGroupStore store, FeedLog log, FeedTail tail, FeedOptions options, TimeProvider clock, ILogger logger,
        Lease lease, GroupProgress progress)
    {
        this.store = store;
        this.log = log;
        this.tail = tail;
        filter = progress.Filter;
        IsInProcess = progress.IsInProcess;
        this.options = options;
        this.clock = clock;
        this.logger = logger;
        this.lease = lease;
        writes = progress.Writes;
        state = new ConsumerGroupState(progress, options, clock);
        writtenAt = usedAt = clock.GetTimestamp();
    }

    public string Name => lease.Name;

    /// <summary>Whether a handler of the service itself handles its events.</summary>
    public bool IsInProcess { get; }

    /// <summary>Whether this process no longer serves the group.</summary>
    public bool IsEnded
    {
        get
        {
            lock (gate)
            {
                return ended is not null;
            }
        }
    }

    /// <summary>The current number of members and of events in flight, and the position.</summary>
    public (int Members, int InFlight, long Position) Status
    {
        get
        {
            lock (gate)
            {
                return (state.Members.Count, state.InFlight, state.Position);
            }
        }
    }

    public void Start() => running = Task.WhenAll(Task.Run(FeedAsync), Task.Run(KeepAsync));

    /// <summary>Adds a member.</summary>
    public GroupMember Join(int maxInFlight)
    {
        lock (gate)
        {
            ThrowIfEnded();
            if (state.Members.Count >= options.MaxGroupMembers)
            {
                throw new RejectedException(FeedErrors.GroupFull, $"The group has {state.Members.Count} members, which is what Feed:MaxGroupMembers allows.")
                {
                    RetryAfter = options.RetryAfter,
                };
            }

            var member = new GroupMember(this, maxInFlight) { StartPosition = state.Position };
            state.Join(member);
            usedAt = clock.GetTimestamp();
            state.Dispatch();
            return member;
        }
    }

    public void Leave(GroupMember member)
    {
        lock (gate)
        {
            state.Leave(member);
            usedAt = clock.GetTimestamp();
            Dispatch();
        }
    }

    public void Acknowledge(GroupMember member, IEnumerable<long> deliveryIds)
    {
        lock (gate)
        {
            foreach (var id in deliveryIds)
            {
                state.Acknowledge(member, id);
            }

            Dispatch();
        }
    }

    public void Fail(GroupMember member, long deliveryId, string reason, bool park)
    {
        lock (gate)
        {
            state.Fail(member, deliveryId, reason, park);
            Dispatch();
        }
    }

    public bool IsInFlight(GroupMember member, long deliveryId)
    {
        lock (gate)
        {
            return member.InFlight.ContainsKey(deliveryId);
        }
    }

    /// <summary>Handles events in one transaction of the write database that also records them as done.</summary>
    /// <exception cref="RejectedException">This process no longer serves the group.</exception>
    public async Task HandleOnceAsync(IReadOnlyList<GroupItem> items, Func<GroupItem, DbTransaction, Task> handle, CancellationToken cancellationToken)
    {
        try
        {
            await store.HandleOnceAsync(lease, items, handle, cancellationToken);
        }
        catch (LeaseLostException)
        {
            throw Elsewhere();
        }
    }

    /// <summary>Takes over what an operator has changed in the database, without waiting for the next renewal of the lease.</summary>
    public Task ReconcileAsync() => WriteAsync(isReconciling: true);

    /// <summary>
    /// Ends the group in this process: writes pending changes and releases the lease if it still has it.
    /// </summary>
    public async Task StopAsync(RejectedException reason)
    {
        End(reason);
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Feeds the group from the log while it has room.</summary>
    private async Task FeedAsync()
    {
        try
        {
            using var following = await tail.FollowAsync(ending.Token);
            Task? wanting = null;
            while (!ending.IsCancellationRequested)
            {
                try
                {
                    var (hasRoom, replay, scanned) = NextToRead();
                    if (replay is not null)
                    {
                        await LoadReplayAsync(replay);
                        continue;
                    }

                    var read = hasRoom ? tail.Read(scanned, options.PageSize) : null;
                    if (read is null or { IsBehind: false, Records.Count: 0 })
                    {
                        wanting ??= wanted.WaitAsync(ending.Token);
                        await Task.WhenAny(wanting, read?.Changed ?? wanting);
                        wanting = wanting.IsCompleted ? null : wanting;
                        continue;
                    }

                    Take(read.IsBehind
                        ? await log.ReadWantedAsync(filter, scanned, tail.Position, options.PageSize, ending.Token)
                        : new FeedPage(read.Records, read.Records[^1].Record.Position, IsEnd: false));
                }
                catch (DbException exception)
                {
                    LogFailed(logger, Name, exception);
                    await Task.Delay(FailurePause, clock, ending.Token);
                }
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The group has ended.
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Break(exception);
        }
    }

    private (bool HasRoom, string? Replay, long Scanned) NextToRead()
    {
        lock (gate)
        {
            isFull = !state.HasRoom;
            return (!isFull, isFull ? null : state.TakeReplay(), state.Scanned);
        }
    }

    private void Take(FeedPage page)
    {
        lock (gate)
        {
            foreach (var record in page.Records)
            {
                state.Add(record);
            }

            state.SkipTo(page.ScannedTo);
            Dispatch();
        }
    }

    /// <summary>Loads the first parked events of a stream for redelivery.</summary>
    private async Task LoadReplayAsync(string stream)
    {
        try
        {
            // Recently parked or redelivered events must first be written to the table or removed from it.
            await WriteAsync(isReconciling: false);
            var rows = await store.ReadParkedAsync(Name, stream, ReplayBatch, ending.Token);
            var positions = rows.Select(row => row.Position).ToHashSet();
            var items = new List<GroupItem>();
            for (var after = rows is [var first, ..] ? first.Position - 1 : 0; items.Count < rows.Count;)
            {
                var page = await log.ReadStreamAfterAsync(stream, after, committed: 0, options.PageSize, ending.Token);
                items.AddRange(page.Records.Where(record => positions.Contains(record.Record.Position)).Select(record => state.ItemOf(record, isReplay: true)));
                after = page.ScannedTo;
                if (page.IsEnd)
                {
                    break;
                }
            }

            lock (gate)
            {
                state.AddReplay(stream, items);
                Dispatch();
            }
        }
        catch (DbException)
        {
            lock (gate)
            {
                state.PutBackReplay(stream);
            }

            throw;
        }
    }

    /// <summary>Delivers ready events, and wakes the reader if there is room for more. Requires the lock.</summary>
    private void Dispatch()
    {
        if (ended is not null)
        {
            return;
        }

        state.Dispatch();
        if ((state.HasReplay || (isFull && state.HasRoom)) && wanted.CurrentCount == 0)
        {
            wanted.Release();
        }
    }

    private void Break(Exception exception)
    {
        LogBroke(logger, Name, exception);
        End(new RejectedException(FeedErrors.GroupElsewhere, "Serving the group failed; the service's log says why.", exception) { RetryAfter = options.RetryAfter });
    }

    private void End(RejectedException reason)
    {
        lock (gate)
        {
            if (ended is not null)
            {
                return;
            }

            ended = reason;
            foreach (var member in state.Members.ToArray())
            {
                state.Leave(member);
                member.End(reason);
            }
        }

        _ = ending.CancelAsync();
    }

    private void ThrowIfEnded()
    {
        if (ended is not null)
        {
            throw ended;
        }
    }

    private RejectedException Elsewhere() =>
        new(FeedErrors.GroupElsewhere, $"This process does not serve the consumer group {Name} any more.") { RetryAfter = options.RetryAfter };

    [LoggerMessage(1402, LogLevel.Error, "Consumer group {Group} could not use the database; it is tried again")]
    private static partial void LogFailed(ILogger logger, string group, Exception exception);

    [LoggerMessage(1403, LogLevel.Error, "Serving consumer group {Group} failed; its members were asked to reconnect")]
    private static partial void LogBroke(ILogger logger, string group, Exception exception);
}
