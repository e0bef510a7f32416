namespace GrpcCqrs.EventSourcing;

/// <summary>How a command ended, for the audit log. The numbers are a storage contract.</summary>
public enum CommandOutcome
{
    /// <summary>Events were appended.</summary>
    Appended = 1,

    /// <summary>The command succeeded and had nothing to change.</summary>
    Unchanged = 2,

    /// <summary>The command was a repetition and got the first answer.</summary>
    Repeated = 3,

    /// <summary>The command was refused with a reason code.</summary>
    Rejected = 4,

    /// <summary>The command failed for a reason that is not the caller's.</summary>
    Failed = 5,
}

/// <summary>One line of the audit log. It never holds a payload.</summary>
public sealed record AuditEntry
{
    /// <summary>When the command arrived.</summary>
    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>The command type's name, such as <c>ChangePostTitle</c>.</summary>
    public required string CommandType { get; init; }

    /// <summary>The command's id, the caller's or one made for it.</summary>
    public required Guid CommandId { get; init; }

    /// <summary>Who sent it.</summary>
    public required string User { get; init; }

    /// <summary>How it ended.</summary>
    public required CommandOutcome Outcome { get; init; }

    /// <summary>The stream it was about; null where it was refused before that was known.</summary>
    public string? Stream { get; init; }

    /// <summary>The reason code of a refusal; null for a success.</summary>
    public string? ErrorReason { get; init; }

    /// <summary>From arrival until the entry was handed to the store, in microseconds; the commit itself is not in it.</summary>
    public long DurationMicroseconds { get; init; }
}
