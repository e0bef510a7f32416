using System.ComponentModel.DataAnnotations.Schema;

namespace GrpcCqrs.Storage.Subscriptions;

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

    /// <summary>Whether a handler of the service itself handles its events; otherwise clients do.</summary>
    public bool IsInProcess { get; set; }

    /// <summary>The number of the last write of progress, which identifies a write whose outcome is unknown.</summary>
    public long Writes { get; set; }

    /// <summary>How many members were connected at the last write.</summary>
    public int Members { get; set; }

    /// <summary>How many delivered events were not yet acknowledged at the last write.</summary>
    public int InFlight { get; set; }

    /// <summary>When the group was created.</summary>
    public long TimeMicroseconds { get; set; }

    /// <summary>The process that serves the group, from its lease; empty for none.</summary>
    [NotMapped]
    public string Holder { get; set; } = "";
}

/// <summary>An acknowledged position after its group's own position.</summary>
internal sealed class ConsumerAckRow
{
    /// <summary>The group.</summary>
    public required string GroupName { get; set; }

    /// <summary>The position.</summary>
    public long Position { get; set; }
}
