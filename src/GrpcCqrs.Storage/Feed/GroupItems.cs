namespace GrpcCqrs.Storage;

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
