using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>What to look up in the database to plan a batch of appends.</summary>
internal sealed class AppendLookupKeys
{
    /// <summary>The streams whose versions are needed.</summary>
    public HashSet<string> Streams { get; } = new(StringComparer.Ordinal);

    /// <summary>The ids of commands that may already have been answered.</summary>
    public HashSet<Guid> Commands { get; } = [];

    /// <summary>The keys that a stream may already hold.</summary>
    public HashSet<UniqueKey> Keys { get; } = [];
}

/// <summary>The results for <see cref="AppendLookupKeys"/>, updated with the changes of the batch itself.</summary>
internal sealed class AppendLookups
{
    /// <summary>The version of each stream; a stream that does not exist is missing.</summary>
    public Dictionary<string, long> Versions { get; } = new(StringComparer.Ordinal);

    /// <summary>The records of the commands that were already answered.</summary>
    public Dictionary<Guid, CommandRecord> Commands { get; } = [];

    /// <summary>The keys that are held, with their streams.</summary>
    public Dictionary<UniqueKey, string> KeyHolders { get; } = [];
}

/// <summary>The end of the log, which the next event follows.</summary>
/// <param name="Position">The position of the newest event; 0 in an empty store.</param>
/// <param name="TimeMicroseconds">Its time.</param>
/// <param name="Hash">Its hash; 32 zero bytes in an empty store.</param>
internal readonly record struct LogHead(long Position, long TimeMicroseconds, byte[] Hash);

/// <summary>Everything that one transaction writes, in writing order.</summary>
internal sealed class AppendRows
{
    /// <summary>New events, in order of position.</summary>
    public List<EventRow> Events { get; } = [];

    /// <summary>The transaction's outbox row; null if there are no events.</summary>
    public OutboxRow? Outbox => Events.Count == 0
        ? null
        : new OutboxRow { FirstPosition = Events[0].Position, LastPosition = Events[^1].Position, TimeMicroseconds = Events[^1].TimeMicroseconds };

    /// <summary>Keys to free. Freed before any are claimed.</summary>
    public List<UniqueKeyRow> FreedKeys { get; } = [];

    /// <summary>Keys to claim.</summary>
    public List<UniqueKeyRow> ClaimedKeys { get; } = [];

    /// <summary>Commands to record.</summary>
    public List<CommandRow> Commands { get; } = [];

    /// <summary>Audit entries.</summary>
    public List<AuditRow> Audit { get; } = [];

    /// <summary>Snapshots; each replaces the stream's previous one.</summary>
    public List<SnapshotRow> Snapshots { get; } = [];

    /// <summary>The end of the log after the events; null if there are none.</summary>
    public LogHead? NewHead { get; set; }

    /// <summary>The position up to and including which outbox rows are removed; 0 for none.</summary>
    public long TrimOutboxTo { get; set; }

    /// <summary>The time, in microseconds, before which a bounded number of commands is removed; 0 for none.</summary>
    public long DeleteCommandsBefore { get; set; }
}
