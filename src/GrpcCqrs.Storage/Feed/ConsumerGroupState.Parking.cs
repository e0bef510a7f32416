namespace GrpcCqrs.Storage;

/// <content>What a group sets aside, and delivers again.</content>
internal sealed partial class ConsumerGroupState
{
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

    private static string? Shorten(string? reason) =>
        reason is { Length: > ColumnWidths.ParkReason } ? reason[..ColumnWidths.ParkReason] : reason;

    private sealed class ParkedStream
    {
        public int Count { get; set; }

        public bool IsRetrying { get; set; }
    }
}
