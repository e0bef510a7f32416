using System.Data.Common;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;

namespace GrpcCqrs.Storage.Tests;

/// <summary>A provider's row statements, one prepared statement for each row: how the texts of a dialect are run where its driver is not.</summary>
internal sealed class RowAppendSession(DbConnection connection, DatabaseProvider provider) : AppendSession(connection, provider)
{
    public override async Task<AppendLookups> LoadAsync(AppendLookupKeys keys, DbTransaction transaction, CancellationToken cancellationToken)
    {
        var lookups = new AppendLookups();
        foreach (var commandId in keys.Commands)
        {
            await using var reader = await With(transaction, AppendSql.SelectCommand, ("command_id", commandId)).ExecuteReaderAsync(cancellationToken);
            if (await reader.ReadAsync(cancellationToken))
            {
                lookups.Commands.Add(commandId, ReadCommand(reader));
            }
        }

        foreach (var stream in keys.Streams)
        {
            if (await With(transaction, AppendSql.SelectStreamVersion, ("stream", stream)).ExecuteScalarAsync(cancellationToken) is long version)
            {
                lookups.Versions.Add(stream, version);
            }
        }

        foreach (var key in keys.Keys)
        {
            if (await With(transaction, AppendSql.SelectKeyHolder, ("scope", key.Scope), ("value", key.Value)).ExecuteScalarAsync(cancellationToken) is string holder)
            {
                lookups.KeyHolders.Add(key, holder);
            }
        }

        return lookups;
    }

    public override async Task WriteAsync(AppendRows rows, DbTransaction transaction, CancellationToken cancellationToken)
    {
        foreach (var row in rows.Events)
        {
            await RunAsync(
                AppendSql.InsertEvent,
                ("position", row.Position), ("stream", row.Stream), ("version", row.Version), ("event_id", row.EventId), ("type", row.Type),
                ("schema_version", row.SchemaVersion), ("payload", row.Payload), ("command_id", row.CommandId),
                ("correlation_id", row.CorrelationId), ("causation_id", row.CausationId), ("user_name", row.User),
                ("time_us", row.TimeMicroseconds), ("hash", row.Hash));
        }

        if (rows.Outbox is { } outbox)
        {
            await RunAsync(
                AppendSql.InsertOutbox,
                ("last_position", outbox.LastPosition), ("first_position", outbox.FirstPosition), ("time_us", outbox.TimeMicroseconds));
        }

        foreach (var row in rows.FreedKeys)
        {
            await RunAsync(AppendSql.DeleteKey, ("scope", row.Scope), ("value", row.Value), ("stream", row.Stream));
        }

        foreach (var row in rows.ClaimedKeys)
        {
            await RunAsync(AppendSql.InsertKey, ("scope", row.Scope), ("value", row.Value), ("stream", row.Stream));
        }

        foreach (var row in rows.Commands)
        {
            await RunAsync(
                AppendSql.InsertCommand,
                ("command_id", row.CommandId), ("request_hash", row.RequestHash), ("stream", row.Stream), ("version", row.Version),
                ("position", row.Position), ("reply", row.Reply), ("time_us", row.TimeMicroseconds));
        }

        foreach (var row in rows.Audit)
        {
            await RunAsync(
                AppendSql.InsertAudit,
                ("time_us", row.TimeMicroseconds), ("command_type", row.CommandType), ("command_id", row.CommandId), ("user_name", row.User),
                ("stream", row.Stream), ("outcome", row.Outcome), ("error_reason", row.ErrorReason),
                ("duration_us", row.DurationMicroseconds), ("position", row.Position));
        }

        foreach (var row in rows.Snapshots)
        {
            await RunAsync(AppendSql.DeleteSnapshot, ("stream", row.Stream));
            await RunAsync(
                AppendSql.InsertSnapshot,
                ("stream", row.Stream), ("version", row.Version), ("position", row.Position), ("schema_version", row.SchemaVersion),
                ("payload", row.Payload), ("time_us", row.TimeMicroseconds));
        }

        await WriteRestAsync(rows, transaction, cancellationToken);

        Task RunAsync(string text, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
            With(transaction, text, parameters).ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Writes what is one statement a transaction on every database: the trimming and the sequencer.</summary>
    private async Task WriteRestAsync(AppendRows rows, DbTransaction transaction, CancellationToken cancellationToken)
    {
        if (rows.TrimOutboxTo > 0)
        {
            await With(transaction, AppendSql.TrimOutbox, ("position", rows.TrimOutboxTo)).ExecuteNonQueryAsync(cancellationToken);
        }

        if (rows.DeleteCommandsBefore > 0)
        {
            await With(transaction, AppendSql.DeleteCommands(Provider), ("before", rows.DeleteCommandsBefore), ("count", MaxDeletedCommands))
                .ExecuteNonQueryAsync(cancellationToken);
        }

        if (rows.NewHead is { } head)
        {
            await With(transaction, AppendSql.AdvanceSequencer, ("position", head.Position), ("time_us", head.TimeMicroseconds), ("hash", head.Hash))
                .ExecuteNonQueryAsync(cancellationToken);
        }
    }
}
