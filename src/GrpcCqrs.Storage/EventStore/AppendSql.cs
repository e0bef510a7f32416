using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>The single-row statements of an append. A database may use its own statements for whole sets.</summary>
internal static class AppendSql
{
    /// <summary>The hash of an event.</summary>
    public const string SelectHash = "SELECT hash FROM events WHERE position = @position";

    /// <summary>Advances the sequencer.</summary>
    public const string AdvanceSequencer =
        "UPDATE sequencer SET position = @position, time_us = @time_us, hash = @hash WHERE id = 1";

    /// <summary>The version of a stream; null if it does not exist.</summary>
    public const string SelectStreamVersion = "SELECT MAX(version) FROM events WHERE stream = @stream";

    /// <summary>A recorded command.</summary>
    public const string SelectCommand =
        "SELECT command_id, request_hash, stream, version, position, reply FROM commands"
        + " WHERE command_id = @command_id";

    /// <summary>The stream that holds a key.</summary>
    public const string SelectKeyHolder = "SELECT stream FROM unique_keys WHERE scope = @scope AND value = @value";

    /// <summary>Adds an event.</summary>
    public const string InsertEvent =
        $"INSERT INTO events ({EventSql.EventColumns}, hash)"
        + " VALUES (@position, @stream, @version, @event_id, @type, @schema_version, @payload, @command_id,"
        + " @correlation_id, @causation_id, @user_name, @time_us, @hash)";

    /// <summary>Adds the outbox row of a transaction.</summary>
    public const string InsertOutbox =
        "INSERT INTO outbox (last_position, first_position, time_us)"
        + " VALUES (@last_position, @first_position, @time_us)";

    /// <summary>Records a command.</summary>
    public const string InsertCommand =
        "INSERT INTO commands (command_id, request_hash, stream, version, position, reply, time_us)"
        + " VALUES (@command_id, @request_hash, @stream, @version, @position, @reply, @time_us)";

    /// <summary>Claims a key.</summary>
    public const string InsertKey = "INSERT INTO unique_keys (scope, value, stream) VALUES (@scope, @value, @stream)";

    /// <summary>Frees a key.</summary>
    public const string DeleteKey =
        "DELETE FROM unique_keys WHERE scope = @scope AND value = @value AND stream = @stream";

    /// <summary>Adds an audit entry.</summary>
    public const string InsertAudit =
        "INSERT INTO audit (time_us, command_type, command_id, user_name, stream, outcome, error_reason,"
        + " duration_us, position) VALUES (@time_us, @command_type, @command_id, @user_name, @stream, @outcome,"
        + " @error_reason, @duration_us, @position)";

    /// <summary>Deletes a stream's snapshot.</summary>
    public const string DeleteSnapshot = "DELETE FROM snapshots WHERE stream = @stream";

    /// <summary>Adds a snapshot.</summary>
    public const string InsertSnapshot =
        "INSERT INTO snapshots (stream, version, position, schema_version, payload, time_us)"
        + " VALUES (@stream, @version, @position, @schema_version, @payload, @time_us)";

    /// <summary>Removes a bounded number of commands that were answered before a given time.</summary>
    public static string DeleteCommands(DatabaseProvider provider) =>
        $"DELETE FROM commands WHERE command_id IN ({provider.FirstRows("SELECT command_id FROM commands WHERE time_us < @before ORDER BY time_us")})";

    /// <summary>Removes the outbox rows that every projection has applied.</summary>
    public const string TrimOutbox = "DELETE FROM outbox WHERE last_position <= @position";

    /// <summary>The end of the log.</summary>
    public const string SelectSequencer = "SELECT position, time_us, hash FROM sequencer WHERE id = 1";
}
