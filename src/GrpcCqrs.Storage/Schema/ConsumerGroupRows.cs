namespace GrpcCqrs.Storage;

/// <summary>A consumer group of the event feed.</summary>
internal sealed class ConsumerGroupRow
{
    /// <summary>The group's name.</summary>
    public required string Name { get; set; }

    /// <summary>Which events it receives, as JSON of a <see cref="FeedFilter"/>.</summary>
    public required string Filter { get; set; }

    /// <summary>The position after which it was asked to start; -1 for the end of the log at that time.</summary>
    public long StartPosition { get; set; }

    /// <summary>All positions up to and including this one are acknowledged, parked, or filtered out.</summary>
    public long Position { get; set; }

    /// <summary>The process that serves the group; empty for none.</summary>
    public required string Holder { get; set; }

    /// <summary>
    /// The fencing token: grows with each holder. Every write of a holder requires the holder's own token.
    /// </summary>
    public long Fence { get; set; }

    /// <summary>Grows while the holder is alive.</summary>
    public long Beat { get; set; }

    /// <summary>How many members were connected at the last beat.</summary>
    public int Members { get; set; }

    /// <summary>How many delivered events were not yet acknowledged at the last beat.</summary>
    public int InFlight { get; set; }

    /// <summary>When the group was created.</summary>
    public long TimeMicroseconds { get; set; }
}

/// <summary>An acknowledged position after its group's own position.</summary>
internal sealed class ConsumerAckRow
{
    /// <summary>The group.</summary>
    public required string GroupName { get; set; }

    /// <summary>The position.</summary>
    public long Position { get; set; }
}

/// <summary>An event that a group has parked, or that an operator has skipped.</summary>
public sealed class GroupParkedEventRow
{
    /// <summary>The group.</summary>
    public required string GroupName { get; set; }

    /// <summary>The event's position.</summary>
    public long Position { get; set; }

    /// <summary>The event's stream.</summary>
    public required string Stream { get; set; }

    /// <summary>
    /// How often it failed; 0 if it was parked because it follows another parked event of its stream.
    /// </summary>
    public int Failures { get; set; }

    /// <summary>
    /// Why it failed the last time; null if it was parked because it follows another parked event of its stream.
    /// </summary>
    public string? Reason { get; set; }

    /// <summary>1 if it is to be delivered again, otherwise 0.</summary>
    public int IsRetrying { get; set; }

    /// <summary>When it was parked.</summary>
    public long TimeMicroseconds { get; set; }

    /// <summary>The user who skipped it; null if it was not skipped.</summary>
    public string? SkippedBy { get; set; }

    /// <summary>When it was skipped; null if it was not.</summary>
    public long? SkippedMicroseconds { get; set; }
}
