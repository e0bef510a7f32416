namespace GrpcCqrs.EventSourcing;

/// <summary>The context of one command call: identity, causation and expectations. Not shared between calls.</summary>
public sealed class CommandContext
{
    /// <summary>The caller's command id, or one generated for this call.</summary>
    public required Guid CommandId { get; init; }

    /// <summary>
    /// SHA-256 of the request if the caller gave a command id, so that the response is stored for repetitions; null for
    /// a command that cannot be repeated.
    /// </summary>
    public ReadOnlyMemory<byte>? RequestHash { get; init; }

    /// <summary>The version that the caller expects the aggregate to be at.</summary>
    public ExpectedVersion ExpectedVersion { get; init; }

    /// <summary>The user who sent it; "anonymous" if not signed in.</summary>
    public required string User { get; init; }

    /// <summary>The correlation id of the whole operation.</summary>
    public required string CorrelationId { get; init; }

    /// <summary>The id of the direct cause of the command.</summary>
    public required string CausationId { get; init; }

    /// <summary>When it arrived.</summary>
    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>
    /// Problems outside the command itself, such as a malformed command id. The pipeline rejects them together with
    /// invalid fields.
    /// </summary>
    public IReadOnlyList<FieldViolation> Violations { get; init; } = [];

    /// <summary>The command's stream, once the write path knows it.</summary>
    public StreamId? Stream { get; internal set; }

    /// <summary>The command type's name, set by the bus.</summary>
    internal string CommandType { get; set; } = "";

    /// <summary>Whether the result is that of an earlier call.</summary>
    internal bool WasRepeated { get; set; }

    /// <summary>Whether the audit entry was written in the append's transaction.</summary>
    internal bool IsAudited { get; set; }

    /// <summary>The audit entry for the given outcome, with the time elapsed until now.</summary>
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

/// <summary>The result of a successful command.</summary>
/// <param name="Stream">The command's stream.</param>
/// <param name="Version">The stream's version after the command.</param>
/// <param name="Position">The position that a reader must have reached to see the change.</param>
/// <param name="Reply">
/// Additional response data, such as a generated name; null for none. At most 1,000 characters.
/// </param>
public sealed record CommandResult(StreamId Stream, long Version, long Position, string? Reply = null);
