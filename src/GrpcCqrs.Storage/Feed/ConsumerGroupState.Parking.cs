namespace GrpcCqrs.Storage;

/// <content>Parks and redelivers events.</content>
internal sealed partial class ConsumerGroupState
{
    /// <summary>Whether the parked events of any stream are to be redelivered.</summary>
    public bool HasReplay => replayWanted.Count > 0;

    /// <summary>A stream whose parked events are to be redelivered; null for none. The caller loads them.</summary>
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

    /// <summary>Redelivers the first parked events of a stream.</summary>
    public void AddReplay(string stream, IReadOnlyList<GroupItem> loaded)
    {
        if (!parked.TryGetValue(stream, out var state) || !state.IsRetrying)
        {
            return;
        }

        if (loaded.Count == 0)
        {
            // The rows were removed outside the service.
            parked.Remove(stream);
            return;
        }

        var lane = new GroupLane(stream);
        lanes.Add(stream, lane);
        foreach (var item in loaded)
        {
            if (item.Fault is null && item.Events.Count == 0)
            {
                // The current filter or upcasters leave nothing of it.
                Unpark(item, state);
                continue;
            }

            Enqueue(lane, item);
        }

        Next(lane);
    }

    /// <summary>Redelivers a stream's parked events and returns their number; null if there are none.</summary>
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

    /// <summary>Whether a stream is parked and its events are not being redelivered.</summary>
    public bool CanSkip(string stream) => parked.TryGetValue(stream, out var state) && !state.IsRetrying;

    /// <summary>Skips a parked event of a stream for which <see cref="CanSkip"/> is true.</summary>
    public void Skip(string stream, long position, string user)
    {
        changes.Skips.Add((position, user));
        var state = parked[stream];
        if (--state.Count == 0)
        {
            parked.Remove(stream);
        }
    }

    /// <summary>Parks a lane: its first event for the given reason, the others because they come after it.</summary>
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
