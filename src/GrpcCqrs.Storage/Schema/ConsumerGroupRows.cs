namespace GrpcCqrs.Storage;

/// <summary>One consumer group of the event feed.</summary>
public sealed class ConsumerGroupRow
{
    /// <summary>The group's name.</summary>
    public required string Name { get; set; }

    /// <summary>Which events it takes, as JSON of a <see cref="FeedFilter"/>.</summary>
    public required string Filter { get; set; }

    /// <summary>Behind which position it was asked to start; -1 for the end of the log at that time.</summary>
    public long StartPosition { get; set; }

    /// <summary>All positions up to and with this one are acknowledged, parked, or not wanted.</summary>
    public long Position { get; set; }

    /// <summary>The process that serves the group; empty for none.</summary>
    public required string Holder { get; set; }

    /// <summary>Grows with each holder. Every write of a holder demands the one that it was given.</summary>
    public long Fence { get; set; }

    /// <summary>Grows for as long as the holder is alive.</summary>
    public long Beat { get; set; }

    /// <summary>How many members were connected at the last beat.</summary>
    public int Members { get; set; }

    /// <summary>How many events were delivered and not yet acknowledged at the last beat.</summary>
    public int InFlight { get; set; }

    /// <summary>When the group was made.</summary>
    public long TimeMicroseconds { get; set; }
}

/// <summary>A position behind its group's own that is acknowledged already.</summary>
public sealed class ConsumerAckRow
{
    /// <summary>The group.</summary>
    public required string GroupName { get; set; }

    /// <summary>The position.</summary>
    public long Position { get; set; }
}

/// <summary>An event that a group has set aside, or an operator has dropped.</summary>
public sealed class GroupParkedEventRow
{
    /// <summary>The group.</summary>
    public required string GroupName { get; set; }

    /// <summary>The event's position.</summary>
    public long Position { get; set; }

    /// <summary>The event's stream.</summary>
    public required string Stream { get; set; }

    /// <summary>How often it failed; 0 for one that is parked behind another of its stream.</summary>
    public int Failures { get; set; }

    /// <summary>Why it failed the last time; null for one that is parked behind another of its stream.</summary>
    public string? Reason { get; set; }

    /// <summary>1 where it is to be delivered again, else 0.</summary>
    public int IsRetrying { get; set; }

    /// <summary>When it was parked.</summary>
    public long TimeMicroseconds { get; set; }

    /// <summary>Who dropped it; null where nobody did.</summary>
    public string? SkippedBy { get; set; }

    /// <summary>When it was dropped; null where it was not.</summary>
    public long? SkippedMicroseconds { get; set; }
}
