namespace GrpcCqrs.Storage.PostgreSql;

/// <summary>
/// The statements for whole sets, with one array for each column. The inner LIMIT 1 makes the planner use one look-up
/// in the unique index for each row, however many rows it expects.
/// </summary>
internal static class PostgreSqlSets
{
    /// <summary>The versions of streams. Parameters: names.</summary>
    public const string SelectStreamVersions =
        "SELECT s.stream, v.version FROM unnest($1::text[]) AS s(stream)"
        + " CROSS JOIN LATERAL (SELECT e.version FROM events e WHERE e.stream = s.stream ORDER BY e.version DESC LIMIT 1) v";

    /// <summary>Recorded commands. Parameters: ids.</summary>
    public const string SelectCommands =
        "SELECT c.command_id, c.request_hash, c.stream, c.version, c.position, c.reply FROM unnest($1::uuid[]) AS i(command_id)"
        + " CROSS JOIN LATERAL (SELECT * FROM commands k WHERE k.command_id = i.command_id LIMIT 1) c";

    /// <summary>The holders of keys. Parameters: scopes, values.</summary>
    public const string SelectKeyHolders =
        "SELECT i.scope, i.value, k.stream FROM unnest($1::text[], $2::text[]) AS i(scope, value)"
        + " CROSS JOIN LATERAL (SELECT u.stream FROM unique_keys u WHERE u.scope = i.scope AND u.value = i.value LIMIT 1) k";

    public const string InsertEvents =
        "INSERT INTO events (position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us, hash)"
        + " SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::integer[], $7::bytea[], $8::uuid[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bytea[])";

    /// <summary>Adds a transaction's outbox row. Parameters: last and first position, time.</summary>
    public const string InsertOutbox = "INSERT INTO outbox (last_position, first_position, time_us) VALUES ($1, $2, $3)";

    /// <summary>Frees keys. Parameters: scopes, values, streams.</summary>
    public const string DeleteKeys =
        "DELETE FROM unique_keys u USING unnest($1::text[], $2::text[], $3::text[]) AS i(scope, value, stream)"
        + " WHERE u.scope = i.scope AND u.value = i.value AND u.stream = i.stream";

    /// <summary>Claims keys. Parameters: scopes, values, streams.</summary>
    public const string InsertKeys =
        "INSERT INTO unique_keys (scope, value, stream) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])";

    /// <summary>Records commands.</summary>
    public const string InsertCommands =
        "INSERT INTO commands (command_id, request_hash, stream, version, position, reply, time_us)"
        + " SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[])";

    public const string InsertAudit =
        "INSERT INTO audit (time_us, command_type, command_id, user_name, stream, outcome, error_reason, duration_us, position)"
        + " SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::integer[], $7::text[], $8::bigint[], $9::bigint[])";

    /// <summary>Adds snapshots or replaces older ones.</summary>
    public const string PutSnapshots =
        "INSERT INTO snapshots (stream, version, position, schema_version, payload, time_us)"
        + " SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::integer[], $5::bytea[], $6::bigint[])"
        + " ON CONFLICT (stream) DO UPDATE SET version = excluded.version, position = excluded.position,"
        + " schema_version = excluded.schema_version, payload = excluded.payload, time_us = excluded.time_us";

    /// <summary>Removes outbox rows. Parameter: a position.</summary>
    public const string TrimOutbox = "DELETE FROM outbox WHERE last_position <= $1";

    /// <summary>Removes commands. Parameters: a time, a count.</summary>
    public const string DeleteCommands =
        "DELETE FROM commands WHERE command_id IN (SELECT command_id FROM commands WHERE time_us < $1 ORDER BY time_us LIMIT $2)";

    /// <summary>Advances the sequencer. Parameters: position, time, hash.</summary>
    public const string AdvanceSequencer = "UPDATE sequencer SET position = $1, time_us = $2, hash = $3 WHERE id = 1";

    /// <summary>
    /// Notifies all listeners once the transaction is committed. Parameter: the newest position, as text.
    /// </summary>
    public const string Notify = $"SELECT pg_notify('{Channel}', $1)";

    /// <summary>Commits, as the last statement of a round trip.</summary>
    public const string Commit = "COMMIT";

    /// <summary>Listens for these notifications.</summary>
    public const string Listen = $"LISTEN {Channel}";

    private const string Channel = "grpccqrs_commits";
}
