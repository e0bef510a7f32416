using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.Subscriptions;

/// <summary>
/// The state of a running consumer group, without any I/O: which events are waiting, in flight, acknowledged or parked,
/// and which member gets the next one. Not thread-safe: its group holds a lock.
/// </summary>
/// <remarks>
/// Each stream with waiting events is a lane. The first event of a lane is ready, in flight, or waiting for a retry;
/// the others wait for it, which keeps the order per stream. Everything that was read and is not pending is done, so
/// the group's position is the one before the oldest pending event.
/// </remarks>
internal sealed partial class ConsumerGroupState
{
    private readonly FeedOptions options;
    private readonly FeedFilter filter;
    private readonly bool isInProcess;
    private readonly TimeProvider clock;
    private readonly Dictionary<string, GroupLane> lanes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ParkedLane> parked = new(StringComparer.Ordinal);
    private readonly Queue<GroupLane> ready = [];
    private readonly PriorityQueue<GroupLane, long> waiting = new();
    private readonly List<GroupMember> members = [];
    private readonly SortedSet<long> pending = [];
    private readonly SortedSet<long> outOfOrder = [];
    private readonly HashSet<long> done;
    private readonly HashSet<string> replayWanted = new(StringComparer.Ordinal);
    private GroupChanges changes = new();
    private int items;
    private long bytes;

    public ConsumerGroupState(GroupProgress progress, FeedOptions options, TimeProvider clock)
    {
        this.options = options;
        filter = progress.Filter;
        isInProcess = progress.IsInProcess;
        this.clock = clock;
        Position = Scanned = progress.Position;
        outOfOrder.UnionWith(progress.Acks);
        done = [.. progress.Acks, .. progress.ParkedPositions];
        foreach (var found in progress.ParkedStreams)
        {
            var isRetrying = found.IsRetrying || progress.UnknownStreams.Contains(found.Stream, StringComparer.Ordinal);
            parked.Add(found.Stream, new ParkedLane { Count = found.Count, IsRetrying = isRetrying });
            if (isRetrying)
            {
                replayWanted.Add(found.Stream);
            }
        }
    }

    /// <summary>Everything up to and including this position is acknowledged, parked, or filtered out.</summary>
    public long Position { get; private set; }

    /// <summary>The log has been read up to and including this position.</summary>
    public long Scanned { get; private set; }

    /// <summary>How many events are delivered and not yet acknowledged.</summary>
    public int InFlight { get; private set; }

    /// <summary>The members.</summary>
    public IReadOnlyList<GroupMember> Members => members;

    /// <summary>Whether there are changes to write soon.</summary>
    public bool IsDirty => changes.Count > 0;

    /// <summary>Whether there is room for more events.</summary>
    public bool HasRoom => items < options.GroupWindow && bytes < options.GroupWindowBytes
        && outOfOrder.Count < options.GroupMaxOutOfOrder && changes.Count < options.GroupWindow;

    /// <summary>Adds the next event of the log.</summary>
    public void Add(FeedRecord record)
    {
        Scanned = record.Record.Position;
        if (!done.Remove(Scanned))
        {
            Admit(ItemOf(record, isReplay: false));
        }

        Advance();
    }

    /// <summary>Records that the log up to a position contains no further matching events.</summary>
    public void SkipTo(long position)
    {
        Scanned = Math.Max(Scanned, position);
        Advance();
    }

    /// <summary>The event as this group delivers it.</summary>
    public GroupItem ItemOf(FeedRecord record, bool isReplay)
    {
        try
        {
            return new GroupItem(record, filter.Select(record), fault: null, isReplay);
        }
#pragma warning disable CA1031 // Whatever is wrong with one event: its stream is parked and the others continue.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return new GroupItem(record, [], ErrorText.Of(exception), isReplay);
        }
    }

    /// <summary>Adds a member.</summary>
    public void Join(GroupMember member) => members.Add(member);

    /// <summary>Removes a member. Its unacknowledged deliveries go to another one.</summary>
    public void Leave(GroupMember member)
    {
        if (!members.Remove(member))
        {
            return;
        }

        InFlight -= member.InFlight.Count;
        foreach (var (lane, _) in member.InFlight.Values)
        {
            ready.Enqueue(lane);
        }

        member.InFlight.Clear();
    }

    /// <summary>Acknowledges a member's delivery. A delivery that is no longer the member's is ignored.</summary>
    public void Acknowledge(GroupMember member, long deliveryId)
    {
        if (!member.InFlight.Remove(deliveryId, out var delivered))
        {
            return;
        }

        InFlight--;
        var item = delivered.Lane.Items.Dequeue();
        Forget(item);
        if (item.IsReplay)
        {
            Unpark(item, parked[item.Stream]);
        }
        else
        {
            pending.Remove(item.Position);
            Advance();
            NoteDone(item.Position);
        }

        Next(delivered.Lane);
    }

    /// <summary>Fails a member's delivery: it is retried, or its stream is parked.</summary>
    public void Fail(GroupMember member, long deliveryId, string reason, bool park)
    {
        if (member.InFlight.Remove(deliveryId, out var delivered))
        {
            InFlight--;
            FailFirst(delivered.Lane, reason, park);
        }
    }

    /// <summary>Processes what is due: retries, and deliveries that were not acknowledged in time.</summary>
    public void Tick()
    {
        // A wall clock can be set, which would delay what is due or end what is not.
        var now = clock.GetTimestamp();
        while (waiting.TryPeek(out var lane, out var due) && due <= now)
        {
            waiting.Dequeue();
            ready.Enqueue(lane);
        }

        foreach (var member in members)
        {
            foreach (var late in member.InFlight.Where(pair => pair.Value.Due <= now).Select(pair => pair.Key).ToArray())
            {
                Fail(member, late, $"Not acknowledged within {options.AckTimeout}.", park: false);
            }
        }
    }

    /// <summary>Delivers ready events to members with room, the least busy first.</summary>
    public void Dispatch()
    {
        while (ready.TryPeek(out var lane))
        {
            var item = lane.Items.Peek();
            if (item.Fault is { } fault)
            {
                ready.Dequeue();
                FailFirst(lane, fault, park: true);
                continue;
            }

            if (InFlight >= options.GroupMaxInFlight || members.Where(member => member.HasRoom).MinBy(member => member.InFlight.Count) is not { } chosen)
            {
                return;
            }

            ready.Dequeue();
            item.Attempts++;
            InFlight++;

            // A handler of the service itself cannot be gone without its process.
            chosen.Deliver(lane, item, isInProcess ? long.MaxValue : After(options.AckTimeout));
        }
    }

    /// <summary>The changes since the last call, for the caller to write.</summary>
    public GroupChanges TakeChanges()
    {
        var taken = changes;
        taken.Position = Position;
        taken.Members = members.Count;
        taken.InFlight = InFlight;
        taken.Acks.RemoveAll(position => position <= Position);
        changes = new GroupChanges();
        return taken;
    }

    private void Admit(GroupItem item)
    {
        if (item.Fault is null && item.Events.Count == 0)
        {
            return;
        }

        if (parked.TryGetValue(item.Stream, out var state))
        {
            Park(item, failures: 0, item.Fault, state);
            return;
        }

        if (!lanes.TryGetValue(item.Stream, out var lane))
        {
            lanes.Add(item.Stream, lane = new GroupLane(item.Stream));
        }

        pending.Add(item.Position);
        Enqueue(lane, item);
        if (lane.Items.Count == 1)
        {
            ready.Enqueue(lane);
        }
    }

    private void Enqueue(GroupLane lane, GroupItem item)
    {
        lane.Items.Enqueue(item);
        items++;
        bytes += item.Record.Record.Payload.Length;
    }

    private void Forget(GroupItem item)
    {
        items--;
        bytes -= item.Record.Record.Payload.Length;
    }

    /// <summary>
    /// Makes a lane's next event ready. An empty lane is removed, or refilled with more parked events.
    /// </summary>
    private void Next(GroupLane lane)
    {
        if (lane.Items.Count > 0)
        {
            ready.Enqueue(lane);
            return;
        }

        lanes.Remove(lane.Stream);
        if (parked.TryGetValue(lane.Stream, out var state))
        {
            if (state.Count > 0)
            {
                replayWanted.Add(lane.Stream);
            }
            else
            {
                parked.Remove(lane.Stream);
            }
        }
    }

    private void FailFirst(GroupLane lane, string reason, bool park)
    {
        var item = lane.Items.Peek();
        item.Failures++;
        var mayPark = parked.ContainsKey(lane.Stream) || parked.Count < options.GroupMaxParkedStreams;
        if (mayPark && (park || item.Failures >= options.MaxFailures))
        {
            ParkLane(lane, reason);
            return;
        }

        waiting.Enqueue(lane, After(Backoff.After(item.Failures, options.RetryDelay, options.MaxRetryDelay)));
    }

    /// <summary>The timestamp after a time from now.</summary>
    private long After(TimeSpan time) => clock.GetTimestamp() + (long)(time.TotalSeconds * clock.TimestampFrequency);

    /// <summary>
    /// Records an event that is done after the group's position, so that it is not redelivered after a restart.
    /// </summary>
    private void NoteDone(long position)
    {
        if (position > Position && outOfOrder.Add(position))
        {
            changes.Acks.Add(position);
        }
        else
        {
            changes.HasMoved = true;
        }
    }

    private void Advance()
    {
        Position = pending.Count > 0 ? Math.Min(pending.Min - 1, Scanned) : Scanned;
        while (outOfOrder.Count > 0 && outOfOrder.Min <= Position)
        {
            outOfOrder.Remove(outOfOrder.Min);
        }
    }
}
