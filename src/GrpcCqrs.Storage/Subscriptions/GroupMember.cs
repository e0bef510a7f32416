using System.Data.Common;
using System.Threading.Channels;

namespace GrpcCqrs.Storage.Subscriptions;

/// <summary>
/// A consumer connected to a group. It gets up to its requested number of deliveries at a time, and acknowledges or
/// fails each by its id. Dispose it to leave the group; its unacknowledged events are then delivered to another member.
/// </summary>
internal sealed class GroupMember : IDisposable
{
    private readonly ConsumerGroup group;
    private readonly int maxInFlight;
    private readonly Channel<Delivery> deliveries;
    private readonly CancellationTokenSource ended = new();
    private long lastId;

    internal GroupMember(ConsumerGroup group, int maxInFlight)
    {
        this.group = group;
        this.maxInFlight = maxInFlight;
        deliveries = Channel.CreateBounded<Delivery>(new BoundedChannelOptions(maxInFlight) { AllowSynchronousContinuations = false });
    }

    /// <summary>The group's position when the member joined.</summary>
    public long StartPosition { get; internal init; }

    /// <summary>Cancelled when this process no longer serves the group.</summary>
    internal CancellationToken Ended => ended.Token;

    /// <summary>The deliveries in flight, by id. Guarded by the group's lock.</summary>
    internal Dictionary<long, (GroupLane Lane, long Due)> InFlight { get; } = [];

    internal bool HasRoom => InFlight.Count < maxInFlight && deliveries.Reader.Count < maxInFlight;

    /// <summary>
    /// The deliveries in order. Ends with a <see cref="EventSourcing.RejectedException"/> when this process no longer
    /// serves the group.
    /// </summary>
    public async IAsyncEnumerable<Delivery> ReadAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var delivery in deliveries.Reader.ReadAllAsync(cancellationToken))
        {
            // A delivery that was not read in time has been given to another member.
            if (group.IsInFlight(this, delivery.Id))
            {
                yield return delivery;
            }
        }
    }

    /// <summary>Waits for a delivery, and returns it with those that are waiting behind it.</summary>
    /// <param name="maxCount">The most deliveries to return.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    internal async Task<IReadOnlyList<Delivery>> ReadBatchAsync(int maxCount, CancellationToken cancellationToken)
    {
        var batch = new List<Delivery>();
        while (batch.Count == 0 && await deliveries.Reader.WaitToReadAsync(cancellationToken))
        {
            while (batch.Count < maxCount && deliveries.Reader.TryRead(out var delivery))
            {
                if (group.IsInFlight(this, delivery.Id))
                {
                    batch.Add(delivery);
                }
            }
        }

        return batch;
    }

    /// <summary>
    /// Handles deliveries in one transaction of the write database that also records them as done. A delivery that was
    /// handled by an earlier attempt, whose outcome is unknown, is left out.
    /// </summary>
    /// <exception cref="HandlingFailedException">A handler failed; nothing was written.</exception>
    /// <exception cref="EventSourcing.RejectedException">This process no longer serves the group.</exception>
    internal async Task HandleOnceAsync(
        IReadOnlyList<Delivery> batch, Func<Delivery, DbTransaction, Task> handle, CancellationToken cancellationToken)
    {
        var byItem = batch.ToDictionary(delivery => delivery.Item);
        await group.HandleOnceAsync([.. batch.Select(delivery => delivery.Item)], (item, transaction) => handle(byItem[item], transaction), cancellationToken);
    }

    /// <summary>Acknowledges deliveries. Ids that are not in flight are ignored.</summary>
    public void Acknowledge(IEnumerable<long> deliveryIds) => group.Acknowledge(this, deliveryIds);

    /// <summary>
    /// Fails a delivery: it is retried later, or parked with its whole stream after too many failures.
    /// </summary>
    /// <param name="deliveryId">The delivery. One that is not in flight is ignored.</param>
    /// <param name="reason">
    /// The reason, for operators. If the event is parked, its first 1,000 characters are kept.
    /// </param>
    /// <param name="park">Whether to park it at once.</param>
    public void Fail(long deliveryId, string reason, bool park) => group.Fail(this, deliveryId, reason, park);

    /// <inheritdoc/>
    public void Dispose() => group.Leave(this);

    /// <summary>Sends an event. The group has checked that there is room.</summary>
    internal void Deliver(GroupLane lane, GroupItem item, long due)
    {
        var id = ++lastId;
        InFlight.Add(id, (lane, due));
        deliveries.Writer.TryWrite(new Delivery(id, item.Attempts, item.IsReplay, item.Events) { Item = item });
    }

    /// <summary>Ends the deliveries.</summary>
    internal void End(Exception reason)
    {
        deliveries.Writer.TryComplete(reason);
        _ = ended.CancelAsync();
    }
}
