namespace GrpcCqrs.EventSourcing;

/// <summary>The outcome of a command in the audit log. The numbers are a storage contract.</summary>
public enum CommandOutcome
{
    /// <summary>Events were appended.</summary>
    Appended = 1,

    /// <summary>The command succeeded without a change.</summary>
    Unchanged = 2,

    /// <summary>The command repeated an earlier one and got the first response.</summary>
    Repeated = 3,

    /// <summary>The command was rejected with a reason code.</summary>
    Rejected = 4,

    /// <summary>The command failed, and not because of the caller.</summary>
    Failed = 5,
}

/// <summary>One entry of the audit log. It never contains a payload.</summary>
public sealed record AuditEntry
{
    /// <summary>When the command arrived.</summary>
    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>The command type's name, such as <c>ChangePostTitle</c>.</summary>
    public required string CommandType { get; init; }

    /// <summary>The command's id: the caller's, or a generated one.</summary>
    public required Guid CommandId { get; init; }

    /// <summary>The user who sent it.</summary>
    public required string User { get; init; }

    /// <summary>The outcome.</summary>
    public required CommandOutcome Outcome { get; init; }

    /// <summary>The command's stream; null if it was rejected before that was known.</summary>
    public string? Stream { get; init; }

    /// <summary>The reason code of a rejection; null for a success.</summary>
    public string? ErrorReason { get; init; }

    /// <summary>
    /// From arrival until the entry was passed to the store, in microseconds; excludes the commit itself.
    /// </summary>
    public long DurationMicroseconds { get; init; }
}
