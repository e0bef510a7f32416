namespace GrpcCqrs.Storage.EventStore;

/// <summary>
/// An event. Rows are inserted and never changed. In every table, times are microseconds since 1970 in UTC.
/// </summary>
internal sealed class EventRow
{
    /// <summary>The position in the log.</summary>
    public long Position { get; set; }

    /// <summary>The stream's name.</summary>
    public required string Stream { get; set; }

    /// <summary>The version in the stream.</summary>
    public long Version { get; set; }

    /// <summary>The event's id.</summary>
    public Guid EventId { get; set; }

    /// <summary>The event type's stable name.</summary>
    public required string Type { get; set; }

    /// <summary>The schema version of the payload.</summary>
    public int SchemaVersion { get; set; }

    /// <summary>UTF-8 JSON.</summary>
    public required byte[] Payload { get; set; }

    /// <summary>The command that produced it.</summary>
    public Guid CommandId { get; set; }

    /// <summary>The correlation id, shared by all related commands and events.</summary>
    public required string CorrelationId { get; set; }

    /// <summary>The id of its direct cause.</summary>
    public required string CausationId { get; set; }

    /// <summary>The user who sent the command.</summary>
    public required string User { get; set; }

    /// <summary>When it was appended.</summary>
    public long TimeMicroseconds { get; set; }

    /// <summary>SHA-256 over the predecessor's hash and all columns above.</summary>
    public byte[] Hash { get; set; } = [];
}

/// <summary>A committed transaction whose events still have to reach the read database.</summary>
internal sealed class OutboxRow
{
    /// <summary>The position of its last event.</summary>
    public long LastPosition { get; set; }

    /// <summary>The position of its first event.</summary>
    public long FirstPosition { get; set; }

    /// <summary>The time of its events.</summary>
    public long TimeMicroseconds { get; set; }
}

/// <summary>An answered command, kept so that it can be repeated.</summary>
internal sealed class CommandRow
{
    /// <summary>The caller's id.</summary>
    public Guid CommandId { get; set; }

    /// <summary>SHA-256 of the request.</summary>
    public required byte[] RequestHash { get; set; }

    /// <summary>The stream in the answer.</summary>
    public required string Stream { get; set; }

    /// <summary>The version in the answer.</summary>
    public long Version { get; set; }

    /// <summary>The position in the answer.</summary>
    public long Position { get; set; }

    /// <summary>The rest of the answer.</summary>
    public string? Reply { get; set; }

    /// <summary>When it was answered.</summary>
    public long TimeMicroseconds { get; set; }
}

/// <summary>A key and the stream that holds it.</summary>
internal sealed class UniqueKeyRow
{
    /// <summary>What kind of key.</summary>
    public required string Scope { get; set; }

    /// <summary>The key.</summary>
    public required string Value { get; set; }

    /// <summary>The stream that holds it.</summary>
    public required string Stream { get; set; }
}

/// <summary>A command in the audit log.</summary>
internal sealed class AuditRow
{
    /// <summary>Grows with time; gaps have no meaning.</summary>
    public long Id { get; set; }

    /// <summary>When the command arrived.</summary>
    public long TimeMicroseconds { get; set; }

    /// <summary>The command type's name.</summary>
    public required string CommandType { get; set; }

    /// <summary>The command's id.</summary>
    public Guid CommandId { get; set; }

    /// <summary>The user who sent it.</summary>
    public required string User { get; set; }

    /// <summary>The stream it applied to.</summary>
    public string? Stream { get; set; }

    /// <summary>A <see cref="EventSourcing.CommandOutcome"/> as a number.</summary>
    public int Outcome { get; set; }

    /// <summary>The reason code of a rejection.</summary>
    public string? ErrorReason { get; set; }

    /// <summary>The time from its arrival until it was written.</summary>
    public long DurationMicroseconds { get; set; }

    /// <summary>The position of the last event that it appended.</summary>
    public long? Position { get; set; }
}

/// <summary>The row whose lock orders all appends.</summary>
internal sealed class SequencerRow
{
    /// <summary>Always 1.</summary>
    public int Id { get; set; }

    /// <summary>The position of the newest event.</summary>
    public long Position { get; set; }

    /// <summary>The time of the newest event, so that times never go backwards.</summary>
    public long TimeMicroseconds { get; set; }

    /// <summary>The hash of the newest event, to which the next one is chained.</summary>
    public byte[] Hash { get; set; } = HashChain.Genesis;
}

/// <summary>
/// The folded state of one stream, to speed up its next load. Safe to delete: that only makes the load slower.
/// </summary>
internal sealed class SnapshotRow
{
    /// <summary>The stream's name.</summary>
    public required string Stream { get; set; }

    /// <summary>The number of events folded into it.</summary>
    public long Version { get; set; }

    /// <summary>The position of the last of them.</summary>
    public long Position { get; set; }

    /// <summary>The version of the state's schema; ignored if it differs from the code's.</summary>
    public int SchemaVersion { get; set; }

    /// <summary>UTF-8 JSON.</summary>
    public required byte[] Payload { get; set; }

    /// <summary>When it was taken.</summary>
    public long TimeMicroseconds { get; set; }
}

/// <summary>The identity of the store.</summary>
internal sealed class StoreIdentityRow
{
    /// <summary>Always 1.</summary>
    public int Id { get; set; }

    /// <summary>The store's id.</summary>
    public Guid StoreId { get; set; }

    /// <summary>The secret key that seals tokens.</summary>
    public required byte[] TokenKey { get; set; }

    /// <summary>When the store was created.</summary>
    public long TimeMicroseconds { get; set; }
}
