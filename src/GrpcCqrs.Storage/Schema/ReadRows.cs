namespace GrpcCqrs.Storage;

/// <summary>What a generation of a projection's tables is for.</summary>
public enum GenerationState
{
    /// <summary>Queries read it.</summary>
    Live = 1,

    /// <summary>It was live before and is kept up to date, so that it can be at once again.</summary>
    Previous = 2,

    /// <summary>It is being filled, to become live.</summary>
    Building = 3,

    /// <summary>Its filling waits until it is resumed.</summary>
    Paused = 4,

    /// <summary>It is filled but differs from the live one, and awaits an operator's approval. It is kept up to date meanwhile.</summary>
    AwaitingApproval = 5,

    /// <summary>It is no longer used and waits to be removed.</summary>
    Dropped = 6,
}

/// <summary>The checkpoint of one generation of a projection's tables.</summary>
public sealed class ProjectionRow
{
    /// <summary>The projection's name.</summary>
    public required string Name { get; set; }

    /// <summary>The number of the generation, from 1; see <see cref="EventSourcing.GenerationNames"/>.</summary>
    public int Generation { get; set; }

    /// <summary>What it is for: a <see cref="GenerationState"/> as number.</summary>
    public int State { get; set; }

    /// <summary>The version of the logic that filled it.</summary>
    public int Version { get; set; }

    /// <summary>The position of the last event that it has seen.</summary>
    public long Position { get; set; }

    /// <summary>When the checkpoint last moved.</summary>
    public long TimeMicroseconds { get; set; }

    /// <summary>The store whose events it has seen, so that a read database is never continued from another store's events.</summary>
    public Guid StoreId { get; set; }

    /// <summary>When it came into its state.</summary>
    public long StateMicroseconds { get; set; }

    /// <summary>Of a generation that is being filled: the newest event when that began. Else 0.</summary>
    public long Target { get; set; }

    /// <summary>Of a generation that is being filled: whether it awaits approval where it differs from the live one.</summary>
    public bool HoldsOnDifference { get; set; }

    /// <summary>What an operator should know of it, such as the differences found; null for nothing.</summary>
    public string? Note { get; set; }
}

/// <summary>Which process projects. One row, whose lock orders all who write the read database.</summary>
public sealed class ProjectorLeaseRow
{
    /// <summary>Always 1.</summary>
    public int Id { get; set; }

    /// <summary>The process that holds it; empty where nobody does.</summary>
    public string Holder { get; set; } = "";

    /// <summary>Grows by 1 with each new holder; a transaction of an older one is refused.</summary>
    public long FencingToken { get; set; }

    /// <summary>Grows while the holder lives; a lease whose beat stands still for long enough has expired.</summary>
    public long Beat { get; set; }
}

/// <summary>An event that a projection could not apply, or that came behind such a one in the same stream.</summary>
public sealed class ParkedEventRow
{
    /// <summary>The projection.</summary>
    public required string Projection { get; set; }

    /// <summary>The generation that lacks the event.</summary>
    public int Generation { get; set; }

    /// <summary>The event.</summary>
    public long Position { get; set; }

    /// <summary>Its stream.</summary>
    public required string Stream { get; set; }

    /// <summary>Its type's stable name.</summary>
    public required string EventType { get; set; }

    /// <summary>Why it could not be applied; null for one that only stands behind another.</summary>
    public string? Error { get; set; }

    /// <summary>How often it was tried; 0 for one that only stands behind another.</summary>
    public int Attempts { get; set; }

    /// <summary>When it was last tried or parked.</summary>
    public long TimeMicroseconds { get; set; }
}

/// <summary>An event that an operator had a projection leave out, for good.</summary>
public sealed class SkippedEventRow
{
    /// <summary>The projection.</summary>
    public required string Projection { get; set; }

    /// <summary>The version of its logic; a later one sees the event again.</summary>
    public int Version { get; set; }

    /// <summary>The event.</summary>
    public long Position { get; set; }

    /// <summary>Its stream.</summary>
    public required string Stream { get; set; }

    /// <summary>Its type's stable name.</summary>
    public required string EventType { get; set; }

    /// <summary>Why it could not be applied.</summary>
    public string? Error { get; set; }

    /// <summary>Who decided to leave it out.</summary>
    public required string User { get; set; }

    /// <summary>When.</summary>
    public long TimeMicroseconds { get; set; }
}

/// <summary>Something that an operator asked the projecting process to do, and what came of it.</summary>
public sealed class OperatorRequestRow
{
    /// <summary>Its number.</summary>
    public long Id { get; set; }

    /// <summary>What to do.</summary>
    public required string Kind { get; set; }

    /// <summary>With what: a JSON object.</summary>
    public required string Arguments { get; set; }

    /// <summary>Who asked.</summary>
    public required string User { get; set; }

    /// <summary>When.</summary>
    public long TimeMicroseconds { get; set; }

    /// <summary>0 while it waits or runs, 1 when it is done, 2 when it failed.</summary>
    public int State { get; set; }

    /// <summary>How far a long one has come, to go on from there; null at first.</summary>
    public string? Progress { get; set; }

    /// <summary>What came of it: a JSON object, or why it failed.</summary>
    public string? Result { get; set; }

    /// <summary>When it ended; 0 before.</summary>
    public long DoneMicroseconds { get; set; }
}
