namespace GrpcCqrs.Storage;

/// <summary>
/// What a running consumer group knows, without any input or output: which events are waiting, in flight, acknowledged or parked, and
/// who gets the next one. Not safe for concurrent use: its group holds a lock.
/// </summary>
/// <remarks>
/// Each stream that has events waiting is a lane. The first event of a lane is ready, in flight, or waiting to be retried; the others
/// wait behind it, which is what keeps the order per stream. Everything that was read and is not pending is done, so the group's
/// position is the one before the oldest pending event.
/// </remarks>
internal sealed class ConsumerGroupState
{
    private readonly FeedOptions options;
    private readonly FeedFilter filter;
    private readonly TimeProvider clock;
    private readonly Dictionary<string, GroupLane> lanes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ParkedStream> parked = new(StringComparer.Ordinal);
    private readonly Queue<GroupLane> ready = [];
    private readonly PriorityQueue<GroupLane, DateTimeOffset> waiting = new();
    private readonly List<GroupMember> members = [];
    private readonly SortedSet<long> pending = [];
    private readonly SortedSet<long> outOfOrder = [];
    private readonly HashSet<long> done;
    private readonly HashSet<string> replayWanted = new(StringComparer.Ordinal);
    private GroupChanges changes = new();
    private int items;
    private long bytes;

    public ConsumerGroupState(FeedFilter filter, GroupProgress progress, FeedOptions options, TimeProvider clock)
    {
        this.options = options;
        this.filter = filter;
        this.clock = clock;
        Position = Scanned = progress.Position;
        outOfOrder.UnionWith(progress.Acks);
        done = [.. progress.Acks, .. progress.ParkedPositions];
        foreach (var (stream, count, isRetrying) in progress.ParkedStreams)
        {
            parked.Add(stream, new ParkedStream { Count = count, IsRetrying = isRetrying });
            if (isRetrying)
            {
                replayWanted.Add(stream);
            }
        }
    }

    /// <summary>Everything up to and with this position is acknowledged, parked, or not wanted.</summary>
    public long Position { get; private set; }

    /// <summary>The log has been read up to and with this position.</summary>
    public long Scanned { get; private set; }

    /// <summary>How many events are delivered and not yet acknowledged.</summary>
    public int InFlight { get; private set; }

    /// <summary>The members.</summary>
    public IReadOnlyList<GroupMember> Members => members;

    /// <summary>Whether there is something that must be written soon.</summary>
    public bool IsDirty => changes.Count > 0;

    /// <summary>Whether more events can be taken in.</summary>
    public bool HasRoom => items < options.GroupWindow && bytes < options.GroupWindowBytes
        && outOfOrder.Count < options.GroupMaxOutOfOrder && changes.Count < options.GroupWindow;

    /// <summary>Takes in the next event of the log.</summary>
    public void Add(FeedRecord record)
    {
        Scanned = record.Record.Position;
        if (!done.Remove(Scanned))
        {
            Admit(ItemOf(record, isReplay: false));
        }

        Advance();
    }

    /// <summary>Notes that the log up to a position holds nothing more that is wanted.</summary>
    public void SkipTo(long position)
    {
        Scanned = Math.Max(Scanned, position);
        Advance();
    }

    /// <summary>The event as this group would deliver it.</summary>
    public GroupItem ItemOf(FeedRecord record, bool isReplay)
    {
        try
        {
            return new GroupItem(record, filter.Select(record), Fault: null, isReplay);
        }
#pragma warning disable CA1031 // Whatever is wrong with one event: its stream is set aside and the others go on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return new GroupItem(record, [], $"The service cannot read it: {exception.Message}", isReplay);
        }
    }

    /// <summary>Whether there is a stream whose parked events are wanted again.</summary>
    public bool HasReplay => replayWanted.Count > 0;

    /// <summary>A stream whose parked events are wanted again; null for none. It is for the caller to load them.</summary>
    public string? TakeReplay()
    {
        var stream = replayWanted.FirstOrDefault();
        if (stream is not null)
        {
            replayWanted.Remove(stream);
        }

        return stream;
    }

    /// <summary>Puts back a stream whose parked events could not be loaded.</summary>
    public void PutBackReplay(string stream) => replayWanted.Add(stream);

    /// <summary>Delivers parked events of a stream again, the first of those it has.</summary>
    public void AddReplay(string stream, IReadOnlyList<GroupItem> loaded)
    {
        if (!parked.TryGetValue(stream, out var state) || !state.IsRetrying)
        {
            return;
        }

        if (loaded.Count == 0)
        {
            // Somebody removed the rows behind the service's back.
            parked.Remove(stream);
            return;
        }

        var lane = new GroupLane(stream);
        lanes.Add(stream, lane);
        foreach (var item in loaded)
        {
            if (item.Fault is null && item.Events.Count == 0)
            {
                // Today's filter or upcasters leave nothing of it.
                Unpark(item, state);
                continue;
            }

            Enqueue(lane, item);
        }

        Next(lane);
    }

    /// <summary>Adds a member.</summary>
    public void Join(GroupMember member) => members.Add(member);

    /// <summary>Removes a member; what it has not acknowledged is delivered to another.</summary>
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

    /// <summary>Notes that a member is done with a delivery; one that is not its own any more is left alone.</summary>
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

    /// <summary>Notes that a member failed with a delivery: it is retried, or its stream is parked.</summary>
    public void Fail(GroupMember member, long deliveryId, string reason, bool park)
    {
        if (member.InFlight.Remove(deliveryId, out var delivered))
        {
            InFlight--;
            FailFirst(delivered.Lane, reason, park);
        }
    }

    /// <summary>Makes due what is due: events to be retried, and deliveries that nobody acknowledged in time.</summary>
    public void Tick()
    {
        var now = clock.GetUtcNow();
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

    /// <summary>Delivers what is ready to whom has room, the least busy first.</summary>
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
            chosen.Deliver(lane, item, clock.GetUtcNow() + options.AckTimeout);
        }
    }

    /// <summary>Has a stream's parked events delivered again, and says how many; null where there are none.</summary>
    public int? Retry(string stream)
    {
        if (!parked.TryGetValue(stream, out var state))
        {
            return null;
        }

        if (!state.IsRetrying)
        {
            state.IsRetrying = true;
            changes.Marks[stream] = true;
            replayWanted.Add(stream);
        }

        return state.Count;
    }

    /// <summary>Whether a stream is parked, and its events are not being delivered again.</summary>
    public bool CanSkip(string stream) => parked.TryGetValue(stream, out var state) && !state.IsRetrying;

    /// <summary>Drops a parked event of a stream that can be skipped.</summary>
    public void Skip(string stream, long position, string user)
    {
        changes.Skips.Add((position, user));
        var state = parked[stream];
        if (--state.Count == 0)
        {
            parked.Remove(stream);
        }
    }

    /// <summary>What has changed since the last call, for the caller to write.</summary>
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

    /// <summary>Makes a lane's next event ready; an empty lane goes, or is filled with more that is parked.</summary>
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

        var wait = options.RetryDelay * Math.Pow(2, Math.Min(item.Failures - 1, 20));
        waiting.Enqueue(lane, clock.GetUtcNow() + (wait < options.MaxRetryDelay ? wait : options.MaxRetryDelay));
    }

    /// <summary>Sets a lane aside: its first event for what is wrong with it, the others since they are behind it.</summary>
    private void ParkLane(GroupLane lane, string reason)
    {
        lanes.Remove(lane.Stream);
        if (!parked.TryGetValue(lane.Stream, out var state))
        {
            parked.Add(lane.Stream, state = new ParkedStream());
        }
        else if (state.IsRetrying)
        {
            state.IsRetrying = false;
            changes.Marks[lane.Stream] = false;
        }

        var first = lane.Items.Peek();
        foreach (var item in lane.Items)
        {
            Forget(item);
            if (!item.IsReplay)
            {
                pending.Remove(item.Position);
                Park(item, item == first ? item.Failures : 0, item == first ? reason : null, state);
            }
            else if (item == first)
            {
                changes.ParkedAgain.Add((item.Position, item.Failures, Shorten(reason)));
            }
        }

        Advance();
    }

    private void Park(GroupItem item, int failures, string? reason, ParkedStream state)
    {
        state.Count++;
        changes.Parked.Add(new GroupParkedEventRow
        {
            GroupName = "",
            Position = item.Position,
            Stream = item.Stream,
            Failures = failures,
            Reason = Shorten(reason),
            IsRetrying = state.IsRetrying ? 1 : 0,
            TimeMicroseconds = UnixMicroseconds.From(clock.GetUtcNow()),
        });
    }

    private void Unpark(GroupItem item, ParkedStream state)
    {
        state.Count--;
        changes.Unparked.Add(item.Position);
        NoteDone(item.Position);
    }

    /// <summary>Remembers what is done behind the group's position, so that it is not delivered again after a restart.</summary>
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

    private static string? Shorten(string? reason) =>
        reason is { Length: > ColumnWidths.ParkReason } ? reason[..ColumnWidths.ParkReason] : reason;

    private sealed class ParkedStream
    {
        public int Count { get; set; }

        public bool IsRetrying { get; set; }
    }
}

/// <summary>The events of one stream that wait, in order.</summary>
internal sealed class GroupLane(string stream)
{
    public string Stream { get; } = stream;

    public Queue<GroupItem> Items { get; } = [];
}

/// <summary>One recorded event on its way through a group.</summary>
/// <param name="Record">The event.</param>
/// <param name="Events">What is delivered of it.</param>
/// <param name="Fault">Why it cannot be delivered; null where it can.</param>
/// <param name="IsReplay">Whether it was parked and is delivered again.</param>
internal sealed record GroupItem(FeedRecord Record, IReadOnlyList<FeedEvent> Events, string? Fault, bool IsReplay)
{
    public long Position => Record.Record.Position;

    public string Stream => Record.StreamName;

    public int Attempts { get; set; }

    public int Failures { get; set; }
}

/// <summary>An event on its way to a member.</summary>
/// <param name="Id">What the member acknowledges it by; unique among its own.</param>
/// <param name="Attempt">How often it was delivered since the group was taken up, this time included.</param>
/// <param name="WasParked">Whether it was parked before.</param>
/// <param name="Events">The events of one position.</param>
public sealed record Delivery(long Id, int Attempt, bool WasParked, IReadOnlyList<FeedEvent> Events);

/// <summary>What a group starts from.</summary>
internal sealed record GroupProgress(
    long Position, IReadOnlyList<long> Acks, IReadOnlyList<long> ParkedPositions, IReadOnlyList<(string Stream, int Count, bool IsRetrying)> ParkedStreams);

/// <summary>What a group has to write.</summary>
internal sealed class GroupChanges
{
    public long Position { get; set; }

    public int Members { get; set; }

    public int InFlight { get; set; }

    /// <summary>Whether an acknowledgement moved the position; what a filter left out can wait for the next sign of life.</summary>
    public bool HasMoved { get; set; }

    public List<long> Acks { get; } = [];

    public List<GroupParkedEventRow> Parked { get; } = [];

    public List<(long Position, int Failures, string? Reason)> ParkedAgain { get; } = [];

    public List<long> Unparked { get; } = [];

    public List<(long Position, string User)> Skips { get; } = [];

    public Dictionary<string, bool> Marks { get; } = new(StringComparer.Ordinal);

    public int Count => Acks.Count + Parked.Count + ParkedAgain.Count + Unparked.Count + Skips.Count + Marks.Count + (HasMoved ? 1 : 0);
}
