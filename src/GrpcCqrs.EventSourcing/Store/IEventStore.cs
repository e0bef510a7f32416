namespace GrpcCqrs.EventSourcing;

/// <summary>
/// The event log. Its guarantees, on every database:
/// <list type="number">
/// <item>An append is atomic: events, outbox rows, command id, unique keys and audit row are written together or not at
/// all.</item>
/// <item>Versions of a stream are 1..n without gaps.</item>
/// <item>Positions of the store are 1..m without gaps, in commit order: once a reader has seen position p, no smaller
/// one can appear later.</item>
/// <item>An append that was reported as successful is durable, as far as the database guarantees it.</item>
/// <item>Events are never changed and never removed.</item>
/// </list>
/// </summary>
public interface IEventStore
{
    /// <summary>Appends to one stream, or returns why it did not.</summary>
    /// <returns>The result, once it is durable.</returns>
    /// <exception cref="RejectedException">
    /// <see cref="EngineErrors.WriteQueueFull"/>: nothing was written, retry later.
    /// <see cref="EngineErrors.DatabaseUnavailable"/>: the database failed. Whether the append was committed is unknown
    /// only if the commit itself failed, so retry with the same command id.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// The request is malformed: no stream, no metadata, or a text wider than its column.
    /// </exception>
    /// <exception cref="System.Data.Common.DbException">The database rejects a value; nothing was written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while still queued; nothing was written.</exception>
    ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellationToken);

    /// <summary>Reads a stream forward, in order of version.</summary>
    /// <param name="stream">The stream. One that does not exist yields no events.</param>
    /// <param name="fromVersion">The first version to return, from 1.</param>
    /// <param name="maxCount">The maximum number of events.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    ValueTask<EventPage> ReadStreamAsync(
        StreamId stream, long fromVersion, int maxCount, CancellationToken cancellationToken);

    /// <summary>Reads the whole store forward, in order of position.</summary>
    /// <param name="afterPosition">Start after this position; 0 for the beginning.</param>
    /// <param name="maxCount">The maximum number of events.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    ValueTask<EventPage> ReadAllAsync(long afterPosition, int maxCount, CancellationToken cancellationToken);

    /// <summary>The position of the last event; 0 for an empty store.</summary>
    ValueTask<long> ReadHeadAsync(CancellationToken cancellationToken);

    /// <summary>The newest snapshot of a stream in a schema version, or null.</summary>
    ValueTask<StoredSnapshot?> FindSnapshotAsync(StreamId stream, int schemaVersion, CancellationToken cancellationToken);

    /// <summary>The stored result of the command with this id, or null if no such command succeeded.</summary>
    ValueTask<CommandRecord?> FindCommandAsync(Guid commandId, CancellationToken cancellationToken);
}

/// <summary>A page of events in order, and whether it is the last one.</summary>
/// <param name="Events">The events. Fewer than requested if their payloads would be large in total.</param>
/// <param name="IsEnd">Whether there were no later events when the page was read.</param>
public sealed record EventPage(IReadOnlyList<RecordedEvent> Events, bool IsEnd);

/// <summary>Everything that one append writes in its transaction.</summary>
public sealed record AppendRequest
{
    /// <summary>The stream to append to. Null for a request that only records a command or an audit entry.</summary>
    public StreamId? Stream { get; init; }

    /// <summary>The version that the stream must be at. Also checked if there are no events.</summary>
    public ExpectedVersion ExpectedVersion { get; init; }

    /// <summary>The events, in order; may be empty.</summary>
    public IReadOnlyList<EventData> Events { get; init; } = [];

    /// <summary>The origin of the events. Required if there are any.</summary>
    public EventMetadata? Metadata { get; init; }

    /// <summary>The command to store, so that it can be repeated; null if its caller gave no id.</summary>
    public CommandToRecord? Command { get; init; }

    /// <summary>The audit entry to write; null for none.</summary>
    public AuditEntry? Audit { get; init; }

    /// <summary>The stream's state after the events, which replaces an older snapshot; null for none.</summary>
    public SnapshotData? Snapshot { get; init; }

    /// <summary>Keys that the stream claims.</summary>
    public IReadOnlyList<UniqueKey> Claims { get; init; } = [];

    /// <summary>Keys that the stream releases.</summary>
    public IReadOnlyList<UniqueKey> Releases { get; init; } = [];
}

/// <summary>A folded state to be stored.</summary>
/// <param name="SchemaVersion">The version of the state's schema.</param>
/// <param name="Payload">UTF-8 JSON.</param>
public sealed record SnapshotData(int SchemaVersion, ReadOnlyMemory<byte> Payload);

/// <summary>A snapshot as stored.</summary>
/// <param name="Version">The number of events folded into it.</param>
/// <param name="Position">The position of the last of them.</param>
/// <param name="Payload">UTF-8 JSON.</param>
public sealed record StoredSnapshot(long Version, long Position, ReadOnlyMemory<byte> Payload);

/// <summary>A command id to be stored with its result.</summary>
/// <param name="CommandId">The caller's id.</param>
/// <param name="RequestHash">SHA-256 of the request, which distinguishes a repetition from a reuse of the id.</param>
/// <param name="Version">The stream's version in the result.</param>
/// <param name="UnchangedPosition">
/// The position in the result of a command that appends nothing; otherwise ignored.
/// </param>
/// <param name="Reply">Additional response data; null for none. At most 1,000 characters.</param>
public sealed record CommandToRecord(
    Guid CommandId, ReadOnlyMemory<byte> RequestHash, long Version, long UnchangedPosition, string? Reply);

/// <summary>A stored command.</summary>
/// <param name="CommandId">The caller's id.</param>
/// <param name="RequestHash">SHA-256 of its request.</param>
/// <param name="Result">Its result.</param>
public sealed record CommandRecord(Guid CommandId, ReadOnlyMemory<byte> RequestHash, CommandResult Result);

/// <summary>The result of an append.</summary>
public abstract record AppendResult
{
    private AppendResult()
    {
    }

    /// <summary>
    /// Written. <paramref name="Version"/> and <paramref name="Position"/> are those of the last event.
    /// </summary>
    public sealed record Appended(long Version, long Position) : AppendResult;

    /// <summary>Not written: the stream is at another version.</summary>
    public sealed record WrongExpectedVersion(long ActualVersion) : AppendResult;

    /// <summary>Not written: a command with this id was executed before.</summary>
    public sealed record DuplicateCommand(CommandRecord First) : AppendResult;

    /// <summary>Not written: another stream holds the key.</summary>
    public sealed record UniqueKeyTaken(UniqueKey Key) : AppendResult;
}
