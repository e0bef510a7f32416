using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>The statements that read the event log.</summary>
internal static class EventSql
{
    /// <summary>The columns of an event, in the order in which <see cref="EventReader"/> reads them.</summary>
    public const string EventColumns =
        "position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us";

    /// <summary>A stream's snapshot with a given schema version.</summary>
    public const string SelectSnapshot =
        "SELECT version, position, payload FROM snapshots WHERE stream = @stream AND schema_version = @schema_version";

    /// <summary>A range of the whole log with hashes, for verification.</summary>
    public static string SelectChain(DatabaseProvider provider) => provider.FirstRows(
        $"SELECT {EventColumns}, hash FROM events WHERE position > @after ORDER BY position");

    /// <summary>A range of one stream.</summary>
    public static string SelectStream(DatabaseProvider provider) =>
        provider.FirstRows($"SELECT {EventColumns} FROM events WHERE {provider.IsSameText("stream", "@stream")} AND version >= @from ORDER BY version");

    /// <summary>
    /// A range of one stream after a position; within a stream, versions and positions increase together.
    /// </summary>
    public static string SelectStreamAfter(DatabaseProvider provider) => provider.FirstRows(
        $"SELECT {EventColumns} FROM events WHERE stream = @stream AND position > @after ORDER BY version");

    /// <summary>A range of the whole log.</summary>
    public static string SelectAll(DatabaseProvider provider) =>
        provider.FirstRows($"SELECT {EventColumns} FROM events WHERE position > @after ORDER BY position");

    /// <summary>
    /// The events after a position, if the outbox still covers the next one. Positions have no gaps, so the outbox then
    /// covers all later events too.
    /// </summary>
    public static string SelectOutbox(DatabaseProvider provider) => provider.FirstRows(
        $"SELECT {EventColumns} FROM events WHERE position > @after AND EXISTS (SELECT 1 FROM outbox"
        + " WHERE last_position > @after AND first_position <= @after + 1) ORDER BY position");

    /// <summary>The newest position.</summary>
    public const string SelectHead = "SELECT position FROM sequencer WHERE id = 1";

    /// <summary>A page of stream names, in order; up to and including the last name, if one is given.</summary>
    public static string SelectStreams(DatabaseProvider provider) => provider.FirstRows(
        "SELECT DISTINCT stream FROM events WHERE stream > @after AND (@last = '' OR stream <= @last) ORDER BY stream");
}
