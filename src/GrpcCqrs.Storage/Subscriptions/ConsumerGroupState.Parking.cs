using GrpcCqrs.Storage.Readers;

namespace GrpcCqrs.Storage.Subscriptions;

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

    /// <summary>Whether any stream is parked.</summary>
    public bool HasParked => parked.Count > 0;

    /// <summary>
    /// Takes over what operators have changed in the database: streams to be delivered again, and skipped events. A
    /// stream with changes that are not written yet is left for the next time.
    /// </summary>
    public void Reconcile(IReadOnlyList<ParkedStream> stored)
    {
        var found = stored.ToDictionary(stream => stream.Stream, StringComparer.Ordinal);
        foreach (var (stream, state) in parked.Where(pair => !pair.Value.IsRetrying && !changes.Parked.Exists(change => change.Item.Stream == pair.Key)).ToArray())
        {
            if (!found.TryGetValue(stream, out var now))
            {
                parked.Remove(stream);
                continue;
            }

            state.Count = now.Count;
            if ((now.IsRetrying || now.Attempts == 0) && !changes.NoLongerRetried.Contains(stream))
            {
                // Where none has failed, the one that did was skipped, and these have come before that was noticed.
                state.IsRetrying = true;
                replayWanted.Add(stream);
            }
        }
    }

    /// <summary>Parks a lane: its first event for the given reason, the others because they come after it.</summary>
    private void ParkLane(GroupLane lane, string reason)
    {
        lanes.Remove(lane.Stream);
        if (!parked.TryGetValue(lane.Stream, out var state))
        {
            parked.Add(lane.Stream, state = new ParkedLane());
        }
        else if (state.IsRetrying)
        {
            state.IsRetrying = false;
            changes.NoLongerRetried.Add(lane.Stream);
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
                changes.ParkedAgain.Add((item.Position, item.Failures, reason));
            }
        }

        Advance();
    }

    private void Park(GroupItem item, int failures, string? reason, ParkedLane state)
    {
        state.Count++;
        changes.Parked.Add((item, failures, reason, state.IsRetrying));
    }

    private void Unpark(GroupItem item, ParkedLane state)
    {
        state.Count--;
        changes.Unparked.Add(item.Position);
        NoteDone(item.Position);
    }

    private sealed class ParkedLane
    {
        public long Count { get; set; }

        public bool IsRetrying { get; set; }
    }
}
