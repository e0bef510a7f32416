namespace GrpcCqrs.Storage.Projections;

/// <summary>The state of a generation of a projection's tables.</summary>
public enum GenerationState
{
    /// <summary>Queries read it.</summary>
    Live = 1,

    /// <summary>It was live before, and is kept up to date so that switching back is immediate.</summary>
    Previous = 2,

    /// <summary>It is being filled, to become live.</summary>
    Building = 3,

    /// <summary>Filling is paused until it is resumed.</summary>
    Paused = 4,

    /// <summary>
    /// It is filled but differs from the live one, and awaits an operator's approval. It is kept up to date meanwhile.
    /// </summary>
    AwaitingApproval = 5,

    /// <summary>It is no longer used and will be removed.</summary>
    Dropped = 6,
}

/// <summary>The checkpoint of one generation of a projection's tables.</summary>
internal sealed class ProjectionRow
{
    /// <summary>The projection's name.</summary>
    public required string Name { get; set; }

    /// <summary>The number of the generation, from 1; see <see cref="EventSourcing.GenerationNames"/>.</summary>
    public int Generation { get; set; }

    /// <summary>Its <see cref="GenerationState"/> as a number.</summary>
    public int State { get; set; }

    /// <summary>The version of the logic that filled it.</summary>
    public int Version { get; set; }

    /// <summary>The position of the last event applied.</summary>
    public long Position { get; set; }

    /// <summary>When the checkpoint last moved.</summary>
    public long TimeMicroseconds { get; set; }

    /// <summary>
    /// The store whose events it has applied, so that a read database never continues with another store's events.
    /// </summary>
    public Guid StoreId { get; set; }

    /// <summary>When it entered its state.</summary>
    public long StateMicroseconds { get; set; }

    /// <summary>For a generation that is being filled: the newest position when that began. Otherwise 0.</summary>
    public long Target { get; set; }

    /// <summary>
    /// For a generation that is being filled: whether it awaits approval if it differs from the live one.
    /// </summary>
    public bool HoldsOnDifference { get; set; }

    /// <summary>A note for operators, such as the differences found; null for none.</summary>
    public string? Note { get; set; }

    /// <summary>The names of its tables without the generation, separated by commas: a later version may have others.</summary>
    public required string Tables { get; set; }

    /// <summary>A hash of what the row classes declared when the tables were made.</summary>
    public required string Shape { get; set; }
}

/// <summary>An operator's request to the projecting process, and its result.</summary>
internal sealed class OperatorRequestRow
{
    /// <summary>Its number.</summary>
    public long Id { get; set; }

    /// <summary>The kind of request.</summary>
    public required string Kind { get; set; }

    /// <summary>The arguments, as a JSON object.</summary>
    public required string Arguments { get; set; }

    /// <summary>The requesting user.</summary>
    public required string User { get; set; }

    /// <summary>When it was made.</summary>
    public long TimeMicroseconds { get; set; }

    /// <summary>0 while it waits or runs, 1 when it is done, 2 when it failed.</summary>
    public int State { get; set; }

    /// <summary>The saved progress of a long request, from which it resumes; null at first.</summary>
    public string? Progress { get; set; }

    /// <summary>The result: a JSON object, or the reason for the failure.</summary>
    public string? Result { get; set; }

    /// <summary>When it ended; 0 before that.</summary>
    public long DoneMicroseconds { get; set; }
}
