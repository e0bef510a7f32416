using GrpcCqrs.Storage.Databases;


namespace GrpcCqrs.Storage.SqlServer;

/// <summary>
/// The statements for whole sets. A set is one JSON text, so that statements and their plans are the same for any
/// number of rows. One parameter for each value would hit the limit of 2,100 parameters, and table-valued parameters
/// need types that must be created and kept in step with the tables. Binary values are not sent as JSON: all of a
/// transaction's bytes are one parameter, and each row takes a substring of it, which needs no conversion. A column
/// read from JSON has the database's collation, so the comparisons name ours.
/// </summary>
internal static class SqlServerSets
{
    private const string Ours = $"COLLATE {TextCollations.SqlServer}";

    /// <summary>The versions of streams.</summary>
    public const string SelectStreamVersions =
        "SELECT s.stream, v.version FROM OPENJSON(@streams) WITH (stream nvarchar(151) '$') s"
        + $" CROSS APPLY (SELECT TOP (1) e.version FROM events e WHERE e.stream = s.stream {Ours} ORDER BY e.version DESC) v";

    /// <summary>Recorded commands.</summary>
    public const string SelectCommands =
        "SELECT c.command_id, c.request_hash, c.stream, c.version, c.position, c.reply FROM OPENJSON(@command_ids) WITH (command_id uniqueidentifier '$') i"
        + " CROSS APPLY (SELECT TOP (1) * FROM commands k WHERE k.command_id = i.command_id) c";

    /// <summary>The holders of keys.</summary>
    public const string SelectKeyHolders =
        "SELECT i.scope, i.value, k.stream FROM OPENJSON(@keys) WITH (scope nvarchar(50), value nvarchar(200)) i"
        + $" CROSS APPLY (SELECT TOP (1) u.stream FROM unique_keys u WHERE u.scope = i.scope {Ours} AND u.value = i.value {Ours}) k";

    public const string InsertEvents =
        "INSERT INTO events (position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us, hash)"
        + " SELECT position, stream, version, event_id, type, schema_version, SUBSTRING(@bytes, payload_at, payload_length), command_id, correlation_id, causation_id, user_name, time_us,"
        + " SUBSTRING(@bytes, hash_at, 32)"
        + " FROM OPENJSON(@events) WITH (position bigint, stream nvarchar(151), version bigint, event_id uniqueidentifier, type nvarchar(200), schema_version int,"
        + " payload_at bigint, payload_length bigint, command_id uniqueidentifier, correlation_id nvarchar(128), causation_id nvarchar(128), user_name nvarchar(200), time_us bigint, hash_at bigint)";

    /// <summary>Adds a transaction's outbox row.</summary>
    public const string InsertOutbox = "INSERT INTO outbox (last_position, first_position, time_us) VALUES (@last_position, @first_position, @outbox_us)";

    public const string DeleteKeys =
        "DELETE u FROM unique_keys u JOIN OPENJSON(@freed_keys) WITH (scope nvarchar(50), value nvarchar(200), stream nvarchar(151)) i"
        + $" ON u.scope = i.scope {Ours} AND u.value = i.value {Ours} AND u.stream = i.stream {Ours}";

    public const string InsertKeys =
        "INSERT INTO unique_keys (scope, value, stream)"
        + " SELECT scope, value, stream FROM OPENJSON(@claimed_keys) WITH (scope nvarchar(50), value nvarchar(200), stream nvarchar(151))";

    /// <summary>Records commands.</summary>
    public const string InsertCommands =
        "INSERT INTO commands (command_id, request_hash, stream, version, position, reply, time_us)"
        + " SELECT command_id, SUBSTRING(@bytes, request_hash_at, 32), stream, version, position, reply, time_us"
        + " FROM OPENJSON(@commands) WITH (command_id uniqueidentifier, request_hash_at bigint, stream nvarchar(151), version bigint, position bigint, reply nvarchar(1000), time_us bigint)";

    public const string InsertAudit =
        "INSERT INTO audit (time_us, command_type, command_id, user_name, stream, outcome, error_reason, duration_us, position)"
        + " SELECT time_us, command_type, command_id, user_name, stream, outcome, error_reason, duration_us, position"
        + " FROM OPENJSON(@audit) WITH (time_us bigint, command_type nvarchar(200), command_id uniqueidentifier, user_name nvarchar(200), stream nvarchar(151), outcome int,"
        + " error_reason nvarchar(200), duration_us bigint, position bigint)";

    /// <summary>Removes the snapshots that are about to be replaced.</summary>
    public const string DeleteSnapshots =
        $"DELETE s FROM snapshots s JOIN OPENJSON(@snapshots) WITH (stream nvarchar(151)) i ON s.stream = i.stream {Ours}";

    public const string InsertSnapshots =
        "INSERT INTO snapshots (stream, version, position, schema_version, payload, time_us)"
        + " SELECT stream, version, position, schema_version, SUBSTRING(@bytes, payload_at, payload_length), time_us"
        + " FROM OPENJSON(@snapshots) WITH (stream nvarchar(151), version bigint, position bigint, schema_version int, payload_at bigint, payload_length bigint, time_us bigint)";
}
