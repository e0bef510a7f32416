using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>What must be known of the database to judge a batch of appends.</summary>
public sealed class AppendLookupKeys
{
    /// <summary>The streams whose versions matter.</summary>
    public HashSet<string> Streams { get; } = new(StringComparer.Ordinal);

    /// <summary>The command ids that may have been answered before.</summary>
    public HashSet<Guid> Commands { get; } = [];

    /// <summary>The keys that somebody may hold.</summary>
    public HashSet<UniqueKey> Keys { get; } = [];
}

/// <summary>What is known of the database: the answers to <see cref="AppendLookupKeys"/>, and what the batch itself changes of them.</summary>
public sealed class AppendLookups
{
    /// <summary>The version of each stream asked for; a stream that does not exist is missing.</summary>
    public Dictionary<string, long> Versions { get; } = new(StringComparer.Ordinal);

    /// <summary>The answers of those commands asked for that were answered before.</summary>
    public Dictionary<Guid, CommandRecord> Commands { get; } = [];

    /// <summary>The streams that hold those keys asked for that are held.</summary>
    public Dictionary<UniqueKey, string> KeyHolders { get; } = [];
}

/// <summary>The end of the log: what the next event follows.</summary>
/// <param name="Position">The position of the newest event; 0 in an empty store.</param>
/// <param name="TimeMicroseconds">Its time.</param>
/// <param name="Hash">Its hash; 32 zero bytes in an empty store.</param>
public readonly record struct LogHead(long Position, long TimeMicroseconds, byte[] Hash);

/// <summary>Everything that one transaction writes, in the order in which it is to be written.</summary>
public sealed class AppendRows
{
    /// <summary>New events, in order of position.</summary>
    public List<EventRow> Events { get; } = [];

    /// <summary>The outbox row of the transaction; null where there are no events.</summary>
    public OutboxRow? Outbox => Events.Count == 0
        ? null
        : new OutboxRow { FirstPosition = Events[0].Position, LastPosition = Events[^1].Position, TimeMicroseconds = Events[^1].TimeMicroseconds };

    /// <summary>Keys given up. Freed before any is claimed.</summary>
    public List<UniqueKeyRow> FreedKeys { get; } = [];

    /// <summary>Keys gained.</summary>
    public List<UniqueKeyRow> ClaimedKeys { get; } = [];

    /// <summary>Commands to remember.</summary>
    public List<CommandRow> Commands { get; } = [];

    /// <summary>Audit entries.</summary>
    public List<AuditRow> Audit { get; } = [];

    /// <summary>Snapshots, each in place of the stream's older one.</summary>
    public List<SnapshotRow> Snapshots { get; } = [];

    /// <summary>The end of the log after the events; null where there are none.</summary>
    public LogHead? NewHead { get; set; }

    /// <summary>Outbox rows up to and with this position are removed; 0 for none.</summary>
    public long TrimOutboxTo { get; set; }

    /// <summary>A bounded number of commands older than this time, in microseconds, is forgotten; 0 for none.</summary>
    public long DeleteCommandsBefore { get; set; }
}
