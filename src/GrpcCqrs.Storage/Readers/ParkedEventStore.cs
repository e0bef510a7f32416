using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.Readers;

/// <summary>An event that a reader of the log could not handle, or that follows such an event in its stream.</summary>
/// <param name="Reader">The projection or consumer group.</param>
/// <param name="Position">The event's position.</param>
/// <param name="Stream">Its stream.</param>
/// <param name="EventType">Its type's stable name.</param>
/// <param name="Error">Why it failed the last time; null if it only follows another parked event.</param>
/// <param name="Attempts">The number of failed attempts; 0 if it only follows another parked event.</param>
/// <param name="IsRetrying">Whether a consumer group is delivering it again.</param>
/// <param name="Time">When it was last tried or parked.</param>
internal sealed record ParkedEvent(
    string Reader, long Position, string Stream, string EventType, string? Error, int Attempts, bool IsRetrying, DateTimeOffset Time);

/// <summary>An event that a reader of the log skips for good at an operator's request.</summary>
/// <param name="Reader">The projection or consumer group.</param>
/// <param name="Version">
/// The version of the projection's logic, since a later version applies the event again; 0 for a consumer group.
/// </param>
/// <param name="Position">The event's position.</param>
/// <param name="Stream">Its stream.</param>
/// <param name="EventType">Its type's stable name.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="User">The user who skipped it.</param>
/// <param name="Time">When it was skipped.</param>
internal sealed record SkippedEvent(
    string Reader, int Version, long Position, string Stream, string EventType, string? Error, string User, DateTimeOffset Time);

/// <summary>Reads the parked and skipped events of one database, and makes the parameters for its statements.</summary>
internal static class ParkedEventStore
{
    /// <summary>Errors are kept up to this many characters.</summary>
    public const int MaxError = 1_000;

    /// <summary>Matches <see cref="ErrorText"/> of events whose type or schema version the service did not know.</summary>
    public const string UnknownTypePattern = $"{nameof(UnknownEventTypeException)}: %";

    /// <summary>The parameters of <see cref="ParkedEventSql.Insert"/>.</summary>
    public static (string Name, object? Value)[] Insert(
        string reader, int generation, long position, string stream, string eventType, string? error, int attempts, bool isRetrying, DateTimeOffset time) =>
    [
        ("generation", generation), ("reader", reader), ("position", position), ("stream", stream), ("event_type", eventType),
        ("error", error is null ? null : StorableText.From(error, MaxError)), ("attempts", attempts), ("retrying", isRetrying ? 1 : 0),
        ("time_us", UnixMicroseconds.From(time)),
    ];

    /// <summary>The parameters of <see cref="ParkedEventSql.Update"/>.</summary>
    public static (string Name, object? Value)[] Update(string reader, int generation, long position, string error, int attempts, DateTimeOffset time) =>
    [
        ("error", StorableText.From(error, MaxError)), ("attempts", attempts), ("time_us", UnixMicroseconds.From(time)),
        .. One(reader, generation, position),
    ];

    /// <summary>The parameters that identify a parked event.</summary>
    public static (string Name, object? Value)[] One(string reader, int generation, long position) =>
        [("reader", reader), ("generation", generation), ("position", position)];

    /// <summary>The parameters of <see cref="ParkedEventSql.InsertSkipped"/>.</summary>
    public static (string Name, object? Value)[] Skip(
        string reader, int version, long position, string stream, string eventType, string? error, string user, DateTimeOffset time) =>
    [
        ("reader", reader), ("version", version), ("position", position), ("stream", stream), ("event_type", eventType), ("error", error),
        ("user_name", user), ("time_us", UnixMicroseconds.From(time)),
    ];

    /// <summary>A page of parked events by position and reader, of one reader or, if that is empty, of all.</summary>
    /// <param name="database">The database.</param>
    /// <param name="select">
    /// <see cref="ParkedEventSql.SelectOfGroups"/> or <see cref="ParkedEventSql.SelectOfLiveGenerations"/>.
    /// </param>
    /// <param name="reader">The reader; empty for all.</param>
    /// <param name="after">The last event seen and its reader.</param>
    /// <param name="count">The most events to return.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    public static Task<List<ParkedEvent>> ReadAsync(
        Database database, Func<DatabaseProvider, string> select, string reader, (long Position, string Reader) after, int count,
        CancellationToken cancellationToken) => database.QueryAsync(
            select(database.Provider), ReadParked, cancellationToken,
            ("reader", reader), ("after", after.Position), ("after_reader", after.Reader), ("count", count));

    /// <summary>The first parked events of a stream after a position.</summary>
    public static Task<List<ParkedEvent>> ReadStreamAsync(
        Database database, string reader, int generation, string stream, long after, int count, CancellationToken cancellationToken) =>
        database.QueryAsync(
            ParkedEventSql.SelectOfStream(database.Provider), ReadParked, cancellationToken,
            ("reader", reader), ("generation", generation), ("stream", stream), ("after", after), ("count", count));

    /// <summary>One parked event; null if it is not parked.</summary>
    public static async Task<ParkedEvent?> FindAsync(
        DbConnection connection, DbTransaction transaction, string reader, int generation, long position, CancellationToken cancellationToken) =>
        await Statement.QueryAsync(connection, transaction, ParkedEventSql.SelectOne, ReadParked, cancellationToken, One(reader, generation, position)) is [var found]
            ? found
            : null;

    /// <summary>Each parked stream of a reader, or of all if that is empty.</summary>
    public static Task<List<ParkedStream>> ReadStreamsAsync(DbConnection connection, string reader, CancellationToken cancellationToken) => Statement.QueryAsync(
        connection,
        null,
        ParkedEventSql.SelectStreams,
        ReadStream,
        cancellationToken,
        ("reader", reader));

    /// <summary>All skipped events, ordered by position.</summary>
    public static Task<List<SkippedEvent>> ReadSkippedAsync(Database database, CancellationToken cancellationToken) =>
        database.QueryAsync(ParkedEventSql.SelectSkipped, ReadSkipped, cancellationToken);

    /// <summary>Whether a consumer group skips an event.</summary>
    public static async Task<bool> IsSkippedAsync(
        DbConnection connection, DbTransaction transaction, string reader, long position, CancellationToken cancellationToken) =>
        (await Statement.QueryAsync(
            connection, transaction, ParkedEventSql.SelectSkippedOne, ReadSkipped, cancellationToken, ("reader", reader), ("position", position))).Count > 0;

    /// <summary>A row of <see cref="ParkedEventSql.SelectStreams"/>.</summary>
    public static ParkedStream ReadStream(DbDataReader row) => new(
        row.GetString(0), row.GetInt32(1), row.GetString(2), row.GetInt64(3), row.GetInt64(4), row.GetInt32(5) == 1, row.GetInt32(6));

    private static ParkedEvent ReadParked(DbDataReader row) => new(
        row.GetString(0), row.GetInt64(1), row.GetString(2), row.GetString(3), row.IsDBNull(4) ? null : row.GetString(4), row.GetInt32(5),
        row.GetInt32(6) == 1, UnixMicroseconds.ToTime(row.GetInt64(7)));

    private static SkippedEvent ReadSkipped(DbDataReader row) => new(
        row.GetString(0), row.GetInt32(1), row.GetInt64(2), row.GetString(3), row.GetString(4), row.IsDBNull(5) ? null : row.GetString(5),
        row.GetString(6), UnixMicroseconds.ToTime(row.GetInt64(7)));
}

/// <summary>The parked events of one stream.</summary>
/// <param name="Reader">The projection or consumer group.</param>
/// <param name="Generation">The generation of the projection's tables; 0 for a consumer group.</param>
/// <param name="Stream">The stream.</param>
/// <param name="First">The position of its first parked event.</param>
/// <param name="Count">The number of its parked events.</param>
/// <param name="IsRetrying">Whether a consumer group is to deliver them again.</param>
/// <param name="Attempts">
/// How often the one that blocks the stream has failed; 0 if none does, since it was skipped.
/// </param>
internal sealed record ParkedStream(string Reader, int Generation, string Stream, long First, long Count, bool IsRetrying, int Attempts);
