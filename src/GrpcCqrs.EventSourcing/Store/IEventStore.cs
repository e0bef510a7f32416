namespace GrpcCqrs.EventSourcing;

/// <summary>
/// The event log. Its promises, on every database:
/// <list type="number">
/// <item>An append is atomic: events, outbox rows, command id, unique keys and audit row together, or nothing.</item>
/// <item>Versions of a stream are 1..n without gaps.</item>
/// <item>Positions of the store are 1..m without gaps, in commit order: who has seen position p never sees a smaller one appear
/// later.</item>
/// <item>What was answered as appended is durable, on the database's own promise.</item>
/// <item>Events are never changed and never removed.</item>
/// </list>
/// </summary>
public interface IEventStore
{
    /// <summary>Appends to one stream, or says why not.</summary>
    /// <returns>The result, once it is durable.</returns>
    /// <exception cref="RejectedException">
    /// <see cref="EngineErrors.WriteQueueFull"/>: nothing was written, try again later.
    /// <see cref="EngineErrors.DatabaseUnavailable"/>: the database failed; whether the append was committed is unknown only if
    /// the failure hit the commit itself, so repeat with the same command id.
    /// </exception>
    /// <exception cref="ArgumentException">The request is malformed: no stream, no metadata, or a text wider than its column.</exception>
    /// <exception cref="System.Data.Common.DbException">The database refuses a value; nothing was written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while still queued; nothing was written.</exception>
    ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellationToken);

    /// <summary>Reads a stream forward, in order of version.</summary>
    /// <param name="stream">The stream; one that does not exist yields nothing.</param>
    /// <param name="fromVersion">The first version to return, from 1.</param>
    /// <param name="maxCount">At most this many events.</param>
    /// <param name="cancellationToken">Ends the read.</param>
    ValueTask<EventPage> ReadStreamAsync(
        StreamId stream, long fromVersion, int maxCount, CancellationToken cancellationToken);

    /// <summary>Reads the whole store forward, in order of position.</summary>
    /// <param name="afterPosition">The last position that the caller has seen; 0 for the beginning.</param>
    /// <param name="maxCount">At most this many events.</param>
    /// <param name="cancellationToken">Ends the read.</param>
    ValueTask<EventPage> ReadAllAsync(long afterPosition, int maxCount, CancellationToken cancellationToken);

    /// <summary>The position of the newest event; 0 for an empty store.</summary>
    ValueTask<long> ReadHeadAsync(CancellationToken cancellationToken);

    /// <summary>The newest snapshot of a stream in a schema version, or null.</summary>
    ValueTask<StoredSnapshot?> FindSnapshotAsync(StreamId stream, int schemaVersion, CancellationToken cancellationToken);

    /// <summary>What a command with this id was answered, or null where no such command succeeded.</summary>
    ValueTask<CommandRecord?> FindCommandAsync(Guid commandId, CancellationToken cancellationToken);
}

/// <summary>Some events in order, and whether the read came to the end.</summary>
/// <param name="Events">The events. Fewer than asked for where their payloads together would be large.</param>
/// <param name="IsEnd">Whether there was nothing behind the last of them when they were read.</param>
public sealed record EventPage(IReadOnlyList<RecordedEvent> Events, bool IsEnd);

/// <summary>Everything that one append writes in its transaction.</summary>
public sealed record AppendRequest
{
    /// <summary>Where to append. Null for a request that only records a command or an audit entry.</summary>
    public StreamId? Stream { get; init; }

    /// <summary>What the stream's version must be. Checked also where there are no events.</summary>
    public ExpectedVersion ExpectedVersion { get; init; }

    /// <summary>The events, in order; may be empty.</summary>
    public IReadOnlyList<EventData> Events { get; init; } = [];

    /// <summary>Who and what caused the events. Required where there are any.</summary>
    public EventMetadata? Metadata { get; init; }

    /// <summary>The command to remember, so that it can be repeated; null for one whose caller gave no id.</summary>
    public CommandToRecord? Command { get; init; }

    /// <summary>The audit entry to write; null for none.</summary>
    public AuditEntry? Audit { get; init; }

    /// <summary>The stream's state after the events, to be kept in place of an older snapshot; null for none.</summary>
    public SnapshotData? Snapshot { get; init; }

    /// <summary>Keys that the stream gains.</summary>
    public IReadOnlyList<UniqueKey> Claims { get; init; } = [];

    /// <summary>Keys that the stream gives up.</summary>
    public IReadOnlyList<UniqueKey> Releases { get; init; } = [];
}

/// <summary>A folded state, as it is stored.</summary>
/// <param name="SchemaVersion">The version of the state's schema.</param>
/// <param name="Payload">UTF-8 JSON.</param>
public sealed record SnapshotData(int SchemaVersion, ReadOnlyMemory<byte> Payload);

/// <summary>A snapshot as it stands in the store.</summary>
/// <param name="Version">The number of events folded into it.</param>
/// <param name="Position">The position of the last of them.</param>
/// <param name="Payload">UTF-8 JSON.</param>
public sealed record StoredSnapshot(long Version, long Position, ReadOnlyMemory<byte> Payload);

/// <summary>A command id to be remembered with its answer.</summary>
/// <param name="CommandId">The caller's id.</param>
/// <param name="RequestHash">SHA-256 of the request, to tell a repetition from a reuse of the id.</param>
/// <param name="Version">The stream's version in the answer.</param>
/// <param name="UnchangedPosition">The position in the answer of a command that appends nothing; else ignored.</param>
/// <param name="Reply">What else the answer holds; null for nothing. At most 1,000 characters.</param>
public sealed record CommandToRecord(
    Guid CommandId, ReadOnlyMemory<byte> RequestHash, long Version, long UnchangedPosition, string? Reply);

/// <summary>A remembered command.</summary>
/// <param name="CommandId">The caller's id.</param>
/// <param name="RequestHash">SHA-256 of the request it came with.</param>
/// <param name="Result">The answer that it got.</param>
public sealed record CommandRecord(Guid CommandId, ReadOnlyMemory<byte> RequestHash, CommandResult Result);

/// <summary>How an append ended.</summary>
public abstract record AppendResult
{
    private AppendResult()
    {
    }

    /// <summary>Written. <paramref name="Version"/> and <paramref name="Position"/> are those of the last event.</summary>
    public sealed record Appended(long Version, long Position) : AppendResult;

    /// <summary>Not written: the stream is at another version.</summary>
    public sealed record WrongExpectedVersion(long ActualVersion) : AppendResult;

    /// <summary>Not written: a command with this id has been answered before.</summary>
    public sealed record DuplicateCommand(CommandRecord First) : AppendResult;

    /// <summary>Not written: another stream holds the key.</summary>
    public sealed record UniqueKeyTaken(UniqueKey Key) : AppendResult;
}
