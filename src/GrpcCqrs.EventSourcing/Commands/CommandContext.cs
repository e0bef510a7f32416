namespace GrpcCqrs.EventSourcing;

/// <summary>What came with a command besides the command: who, why, how often. One a call; not shared between calls.</summary>
public sealed class CommandContext
{
    /// <summary>The caller's command id, or one made for this call.</summary>
    public required Guid CommandId { get; init; }

    /// <summary>
    /// SHA-256 of the request where the caller gave the command id, so that the answer is remembered and repeated; null for a
    /// command that nobody can repeat.
    /// </summary>
    public ReadOnlyMemory<byte>? RequestHash { get; init; }

    /// <summary>What the caller expects of the aggregate's version.</summary>
    public ExpectedVersion ExpectedVersion { get; init; }

    /// <summary>Who sends it; "anonymous" where nobody signed in.</summary>
    public required string User { get; init; }

    /// <summary>What the whole conversation is known by.</summary>
    public required string CorrelationId { get; init; }

    /// <summary>What directly caused the command.</summary>
    public required string CausationId { get; init; }

    /// <summary>When it arrived.</summary>
    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>What is wrong with the call around the command, such as a malformed id; the pipeline refuses it with the rest.</summary>
    public IReadOnlyList<FieldViolation> Violations { get; init; } = [];

    /// <summary>The stream that the command is about, once the write path knows it.</summary>
    public StreamId? Stream { get; internal set; }

    /// <summary>The command type's name, set by the bus.</summary>
    internal string CommandType { get; set; } = "";

    /// <summary>Whether the answer is that of an earlier call.</summary>
    internal bool WasRepeated { get; set; }

    /// <summary>Whether the audit entry went into the append's own transaction.</summary>
    internal bool IsAudited { get; set; }

    /// <summary>The audit entry for the outcome given, with the time taken until now.</summary>
    internal AuditEntry AuditAs(CommandOutcome outcome, DateTimeOffset now, string? errorReason = null) => new()
    {
        ReceivedAt = ReceivedAt,
        CommandType = CommandType,
        CommandId = CommandId,
        User = User,
        Stream = Stream?.ToString(),
        Outcome = outcome,
        ErrorReason = errorReason,
        DurationMicroseconds = (now - ReceivedAt).Ticks / TimeSpan.TicksPerMicrosecond,
    };
}

/// <summary>What a successful command answers.</summary>
/// <param name="Stream">The stream that it was about.</param>
/// <param name="Version">The stream's version after it.</param>
/// <param name="Position">The position that a reader must have reached to see it.</param>
/// <param name="Reply">What else the handler answers, such as a generated name; null for nothing. At most 1,000 characters.</param>
public sealed record CommandResult(StreamId Stream, long Version, long Position, string? Reply = null);
