using System.Data.Common;
using System.Text.Json;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using Microsoft.Data.SqlClient;

namespace GrpcCqrs.Storage.SqlServer;

/// <summary>
/// Look-ups and writes as sets: a transaction's look-ups take one round trip, and so do its writes. The server finds a
/// request's plans by its text.
/// </summary>
internal sealed class SqlServerAppendSession(SqlConnection connection, SqlServerProvider provider) : AppendSession(connection, provider)
{
    /// <inheritdoc/>
    public override async Task<AppendLookups> LoadAsync(AppendLookupKeys keys, DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var lookups = new AppendLookups();
        var request = LookUps(keys);
        if (request.Text.Length == 0)
        {
            return lookups;
        }

        await using var command = CommandOf(request, transaction);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (keys.Streams.Count > 0)
        {
            await ReadAsync(row => lookups.Versions.Add(row.GetString(0), row.GetInt64(1)));
        }

        if (keys.Commands.Count > 0)
        {
            await ReadAsync(row =>
            {
                var record = ReadCommand(row);
                lookups.Commands.Add(record.CommandId, record);
            });
        }

        if (keys.Keys.Count > 0)
        {
            await ReadAsync(row => lookups.KeyHolders.Add(new UniqueKey(row.GetString(0), row.GetString(1)), row.GetString(2)));
        }

        return lookups;

        async Task ReadAsync(Action<DbDataReader> read)
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                read(reader);
            }

            await reader.NextResultAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override async Task WriteAsync(AppendRows rows, DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var request = Writes(rows, Provider);
        if (request.Text.Length > 0)
        {
            await using var command = CommandOf(request, transaction);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>The request for the look-ups.</summary>
    internal static SqlServerRequest LookUps(AppendLookupKeys keys)
    {
        var request = new SqlServerRequest();
        request.AddSet("streams", keys.Streams, (json, stream) => json.WriteStringValue(stream), SqlServerSets.SelectStreamVersions);
        request.AddSet("command_ids", keys.Commands, (json, id) => json.WriteStringValue(id), SqlServerSets.SelectCommands);
        request.AddSet("keys", keys.Keys, (json, key) => Write(json, key.Scope, key.Value, stream: null), SqlServerSets.SelectKeyHolders);
        return request;
    }

    /// <summary>The request for the writes.</summary>
    internal static SqlServerRequest Writes(AppendRows rows, DatabaseProvider provider)
    {
        var request = new SqlServerRequest();
        request.AddSet("events", rows.Events, (json, row) => Write(json, row, request), SqlServerSets.InsertEvents);
        if (rows.Outbox is { } outbox)
        {
            request.Add(
                SqlServerSets.InsertOutbox,
                ("last_position", outbox.LastPosition), ("first_position", outbox.FirstPosition), ("outbox_us", outbox.TimeMicroseconds));
        }

        request.AddSet("freed_keys", rows.FreedKeys, (json, row) => Write(json, row.Scope, row.Value, row.Stream), SqlServerSets.DeleteKeys);
        request.AddSet("claimed_keys", rows.ClaimedKeys, (json, row) => Write(json, row.Scope, row.Value, row.Stream), SqlServerSets.InsertKeys);
        request.AddSet("commands", rows.Commands, (json, row) => Write(json, row, request), SqlServerSets.InsertCommands);
        request.AddSet("audit", rows.Audit, Write, SqlServerSets.InsertAudit);
        request.AddSet(
            "snapshots", rows.Snapshots, (json, row) => Write(json, row, request), SqlServerSets.DeleteSnapshots, SqlServerSets.InsertSnapshots);
        if (rows.TrimOutboxTo > 0)
        {
            request.Add(AppendSql.TrimOutbox.Replace("@position", "@trim_to", StringComparison.Ordinal), ("trim_to", rows.TrimOutboxTo));
        }

        if (rows.DeleteCommandsBefore > 0)
        {
            request.Add(AppendSql.DeleteCommands(provider), ("before", rows.DeleteCommandsBefore), ("count", MaxDeletedCommands));
        }

        if (rows.NewHead is { } head)
        {
            request.Add(AppendSql.AdvanceSequencer, ("position", head.Position), ("time_us", head.TimeMicroseconds), ("hash", head.Hash));
        }

        return request;
    }

    private SqlCommand CommandOf(SqlServerRequest request, DbTransaction transaction)
    {
        var command = new SqlCommand(request.Text, (SqlConnection)Connection, (SqlTransaction)transaction);
        foreach (var parameter in request.Parameters)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private static void Write(Utf8JsonWriter json, EventRow row, SqlServerRequest request)
    {
        json.WriteStartObject();
        json.WriteNumber("position", row.Position);
        json.WriteString("stream", row.Stream);
        json.WriteNumber("version", row.Version);
        json.WriteString("event_id", row.EventId);
        json.WriteString("type", row.Type);
        json.WriteNumber("schema_version", row.SchemaVersion);
        json.WriteNumber("payload_at", request.PlaceOf(row.Payload));
        json.WriteNumber("payload_length", row.Payload.Length);
        json.WriteString("command_id", row.CommandId);
        json.WriteString("correlation_id", row.CorrelationId);
        json.WriteString("causation_id", row.CausationId);
        json.WriteString("user_name", row.User);
        json.WriteNumber("time_us", row.TimeMicroseconds);
        json.WriteNumber("hash_at", request.PlaceOf(row.Hash));
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string scope, string value, string? stream)
    {
        json.WriteStartObject();
        json.WriteString("scope", scope);
        json.WriteString("value", value);
        if (stream is not null)
        {
            json.WriteString("stream", stream);
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, CommandRow row, SqlServerRequest request)
    {
        json.WriteStartObject();
        json.WriteString("command_id", row.CommandId);
        json.WriteNumber("request_hash_at", request.PlaceOf(row.RequestHash));
        json.WriteString("stream", row.Stream);
        json.WriteNumber("version", row.Version);
        json.WriteNumber("position", row.Position);
        json.WriteString("reply", row.Reply);
        json.WriteNumber("time_us", row.TimeMicroseconds);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, AuditRow row)
    {
        json.WriteStartObject();
        json.WriteNumber("time_us", row.TimeMicroseconds);
        json.WriteString("command_type", row.CommandType);
        json.WriteString("command_id", row.CommandId);
        json.WriteString("user_name", row.User);
        json.WriteString("stream", row.Stream);
        json.WriteNumber("outcome", row.Outcome);
        json.WriteString("error_reason", row.ErrorReason);
        json.WriteNumber("duration_us", row.DurationMicroseconds);
        if (row.Position is { } position)
        {
            json.WriteNumber("position", position);
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, SnapshotRow row, SqlServerRequest request)
    {
        json.WriteStartObject();
        json.WriteString("stream", row.Stream);
        json.WriteNumber("version", row.Version);
        json.WriteNumber("position", row.Position);
        json.WriteNumber("schema_version", row.SchemaVersion);
        json.WriteNumber("payload_at", request.PlaceOf(row.Payload));
        json.WriteNumber("payload_length", row.Payload.Length);
        json.WriteNumber("time_us", row.TimeMicroseconds);
        json.WriteEndObject();
    }
}
