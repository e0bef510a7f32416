using System.Threading.Channels;

namespace GrpcCqrs.Storage;

/// <summary>
/// One consumer connected to a group. It gets deliveries, at most as many at a time as it asked for, and acknowledges each by its id or
/// says that it failed. Dispose it to leave the group; what it has not acknowledged is then delivered to another member.
/// </summary>
public sealed class GroupMember : IDisposable
{
    private readonly ConsumerGroup group;
    private readonly int maxInFlight;
    private readonly Channel<Delivery> deliveries;
    private long lastId;

    internal GroupMember(ConsumerGroup group, int maxInFlight)
    {
        this.group = group;
        this.maxInFlight = maxInFlight;
        deliveries = Channel.CreateBounded<Delivery>(new BoundedChannelOptions(maxInFlight) { AllowSynchronousContinuations = false });
    }

    /// <summary>The group's position when the member joined.</summary>
    public long StartPosition { get; internal init; }

    /// <summary>What is in flight, by delivery id. Guarded by the group's lock.</summary>
    internal Dictionary<long, (GroupLane Lane, DateTimeOffset Due)> InFlight { get; } = [];

    internal bool HasRoom => InFlight.Count < maxInFlight && deliveries.Reader.Count < maxInFlight;

    /// <summary>
    /// The deliveries, one after the other. It ends with a <see cref="EventSourcing.RejectedException"/> when this process serves the
    /// group no more.
    /// </summary>
    public async IAsyncEnumerable<Delivery> ReadAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var delivery in deliveries.Reader.ReadAllAsync(cancellationToken))
        {
            // One that was not taken in time is somebody else's by now.
            if (group.IsInFlight(this, delivery.Id))
            {
                yield return delivery;
            }
        }
    }

    /// <summary>Says that deliveries are done with. Ids that are not in flight have no effect.</summary>
    public void Acknowledge(IEnumerable<long> deliveryIds) => group.Acknowledge(this, deliveryIds);

    /// <summary>Says that a delivery failed: it is retried later, and parked with all of its stream when it failed too often.</summary>
    /// <param name="deliveryId">The delivery; one that is not in flight has no effect.</param>
    /// <param name="reason">Why, for people; kept where the event is parked, its first 1,000 characters.</param>
    /// <param name="park">Whether to park it at once.</param>
    public void Fail(long deliveryId, string reason, bool park) => group.Fail(this, deliveryId, reason, park);

    /// <inheritdoc/>
    public void Dispose() => group.Leave(this);

    /// <summary>Sends an event; the group has made sure that there is room.</summary>
    internal void Deliver(GroupLane lane, GroupItem item, DateTimeOffset due)
    {
        var id = ++lastId;
        InFlight.Add(id, (lane, due));
        deliveries.Writer.TryWrite(new Delivery(id, item.Attempts, item.IsReplay, item.Events));
    }

    /// <summary>Ends the deliveries.</summary>
    internal void End(Exception reason) => deliveries.Writer.TryComplete(reason);
}
