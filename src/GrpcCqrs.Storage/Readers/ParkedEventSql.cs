using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.Readers;

/// <summary>The statements of parked and skipped events, which are the same in both databases.</summary>
internal static class ParkedEventSql
{
    private const string ParkedColumns = "reader, position, stream, event_type, error, attempts, retrying, time_us";
    private const string SkippedColumns = "reader, version, position, stream, event_type, error, user_name, time_us";
    private const string IsOne = "reader = @reader AND generation = @generation AND position = @position";
    private const string Select = $"SELECT {ParkedColumns} FROM parked_events e";
    private const string IsInPage =
        "(@reader = '' OR reader = @reader) AND (position > @after OR (position = @after AND reader > @after_reader))";

    private const string InOrder = "ORDER BY position, reader";
    private const string IsOfStream = "reader = @reader AND generation = @generation AND stream = @stream";

    /// <summary>Parks an event.</summary>
    public const string Insert =
        $"INSERT INTO parked_events (generation, {ParkedColumns})"
        + " VALUES (@generation, @reader, @position, @stream, @event_type, @error, @attempts, @retrying, @time_us)";

    /// <summary>Records further failed attempts on a parked event.</summary>
    public const string Update =
        $"UPDATE parked_events SET error = @error, attempts = attempts + @attempts, time_us = @time_us WHERE {IsOne}";

    /// <summary>Removes a parked event that was handled after all, or is skipped.</summary>
    public const string Delete = $"DELETE FROM parked_events WHERE {IsOne}";

    /// <summary>Removes all parked events of a generation or a group.</summary>
    public const string DeleteAll = "DELETE FROM parked_events WHERE reader = @reader AND generation = @generation";

    /// <summary>Sets whether a stream's parked events are to be delivered again.</summary>
    public const string Mark = $"UPDATE parked_events SET retrying = @retrying WHERE {IsOfStream}";

    /// <summary>
    /// Each parked stream: its first position, the number of its events, whether they are to be delivered again, and how
    /// often the one that blocks it has failed.
    /// </summary>
    public const string SelectStreams =
        "SELECT reader, generation, stream, MIN(position), CAST(COUNT(*) AS BIGINT), MAX(retrying), MAX(attempts) FROM parked_events"
        + " WHERE @reader = '' OR reader = @reader GROUP BY reader, generation, stream";

    /// <summary>The readers and streams with events that failed with an error of some form.</summary>
    public const string SelectByError = "SELECT DISTINCT reader, stream FROM parked_events WHERE error LIKE @pattern";

    /// <summary>A group's parked and skipped positions after a position.</summary>
    public const string SelectPositions =
        "SELECT position FROM parked_events WHERE reader = @reader AND generation = 0 AND position > @after"
        + " UNION ALL SELECT position FROM skipped_events WHERE reader = @reader AND version = 0 AND position > @after";

    /// <summary>One parked event.</summary>
    public const string SelectOne = $"SELECT {ParkedColumns} FROM parked_events WHERE {IsOne}";

    /// <summary>The position of an event, if a group has parked it.</summary>
    public const string SelectPosition = "SELECT position FROM parked_events WHERE reader = @name AND generation = 0 AND position = @position";

    /// <summary>The first parked events of a stream after a position.</summary>
    public static string SelectOfStream(DatabaseProvider provider) => provider.FirstRows(
        $"SELECT {ParkedColumns} FROM parked_events WHERE {IsOfStream} AND position > @after ORDER BY position");

    /// <summary>A page of parked events of consumer groups by position and group, of one group or of all.</summary>
    public static string SelectOfGroups(DatabaseProvider provider) => provider.FirstRows($"{Select} WHERE {IsInPage} {InOrder}");

    /// <summary>
    /// A page of the events that are missing from live generations, by position and projection, of one projection or of
    /// all.
    /// </summary>
    public static string SelectOfLiveGenerations(DatabaseProvider provider) => provider.FirstRows(
        $"{Select} WHERE {IsInPage} AND EXISTS (SELECT 1 FROM projections p"
        + $" WHERE p.name = e.reader AND p.generation = e.generation AND p.state = 1) {InOrder}");

    /// <summary>Records that an event is skipped.</summary>
    public const string InsertSkipped =
        $"INSERT INTO skipped_events ({SkippedColumns})"
        + " VALUES (@reader, @version, @position, @stream, @event_type, @error, @user_name, @time_us)";

    /// <summary>One skipped event of a group.</summary>
    public const string SelectSkippedOne =
        $"SELECT {SkippedColumns} FROM skipped_events WHERE reader = @reader AND version = 0 AND position = @position";

    /// <summary>The skipped events, of one reader or of all.</summary>
    public const string SelectSkipped = $"SELECT {SkippedColumns} FROM skipped_events ORDER BY position, reader";

    /// <summary>Removes the records of a group's skipped events.</summary>
    public const string DeleteSkipped = "DELETE FROM skipped_events WHERE reader = @reader";
}
