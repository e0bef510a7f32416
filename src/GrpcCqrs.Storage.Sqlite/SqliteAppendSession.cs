using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.EventStore;
using Microsoft.Data.Sqlite;

namespace GrpcCqrs.Storage.Sqlite;

/// <summary>
/// Look-ups and writes on SQLite's C API, with one prepared statement for each row. Everything is synchronous, as
/// SQLite is: the append queue has its own thread for it.
/// </summary>
internal sealed class SqliteAppendSession(SqliteConnection connection, SqliteProvider provider) : AppendSession(connection, provider)
{
    private readonly SqliteStatement lockSequencer = new(connection, provider.LockSequencer);
    private readonly SqliteStatement selectCommand = new(connection, AppendSql.SelectCommand, "command_id");
    private readonly SqliteStatement selectStreamVersion = new(connection, AppendSql.SelectStreamVersion, "stream");
    private readonly SqliteStatement selectKeyHolder = new(connection, AppendSql.SelectKeyHolder, "scope", "value");
    private readonly SqliteStatement insertEvent = new(
        connection,
        AppendSql.InsertEvent,
        "position", "stream", "version", "event_id", "type", "schema_version", "payload", "command_id", "correlation_id", "causation_id", "user_name", "time_us", "hash");

    private readonly SqliteStatement insertOutbox = new(connection, AppendSql.InsertOutbox, "last_position", "first_position", "time_us");
    private readonly SqliteStatement deleteKey = new(connection, AppendSql.DeleteKey, "scope", "value", "stream");
    private readonly SqliteStatement insertKey = new(connection, AppendSql.InsertKey, "scope", "value", "stream");
    private readonly SqliteStatement insertCommand = new(
        connection, AppendSql.InsertCommand, "command_id", "request_hash", "stream", "version", "position", "reply", "time_us");

    private readonly SqliteStatement insertAudit = new(
        connection,
        AppendSql.InsertAudit,
        "time_us", "command_type", "command_id", "user_name", "stream", "outcome", "error_reason", "duration_us", "position");

    private readonly SqliteStatement deleteSnapshot = new(connection, AppendSql.DeleteSnapshot, "stream");
    private readonly SqliteStatement insertSnapshot = new(
        connection, AppendSql.InsertSnapshot, "stream", "version", "position", "schema_version", "payload", "time_us");

    private readonly SqliteStatement trimOutbox = new(connection, AppendSql.TrimOutbox, "position");
    private readonly SqliteStatement forgetCommands = new(connection, AppendSql.DeleteCommands(provider), "before", "count");
    private readonly SqliteStatement advanceSequencer = new(connection, AppendSql.AdvanceSequencer, "position", "time_us", "hash");

    private SqliteStatement[] All =>
    [
        lockSequencer, selectCommand, selectStreamVersion, selectKeyHolder, insertEvent, insertOutbox, deleteKey, insertKey, insertCommand,
        insertAudit, deleteSnapshot, insertSnapshot, trimOutbox, forgetCommands, advanceSequencer,
    ];

    /// <inheritdoc/>
    public override Task<LogHead> LockAsync(DbTransaction transaction, CancellationToken cancellationToken)
    {
        try
        {
            return lockSequencer.Step()
                ? Task.FromResult(new LogHead(lockSequencer.Int64(0), lockSequencer.Int64(1), lockSequencer.Blob(2)))
                : throw new InvalidOperationException("The sequencer row is missing: the write database is not initialised or was damaged.");
        }
        finally
        {
            lockSequencer.Reset();
        }
    }

    /// <inheritdoc/>
    public override Task<AppendLookups> LoadAsync(AppendLookupKeys keys, DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var lookups = new AppendLookups();
        foreach (var commandId in keys.Commands)
        {
            var found = selectCommand.Bind(commandId);
            if (found.Step())
            {
                lookups.Commands.Add(commandId, new CommandRecord(commandId, found.Blob(1), new CommandResult(
                    StreamId.Parse(found.Text(2)), found.Int64(3), found.Int64(4), found.IsNull(5) ? null : found.Text(5))));
            }

            found.Reset();
        }

        foreach (var stream in keys.Streams)
        {
            var version = selectStreamVersion.Bind(stream);
            if (version.Step() && !version.IsNull(0))
            {
                lookups.Versions.Add(stream, version.Int64(0));
            }

            version.Reset();
        }

        foreach (var key in keys.Keys)
        {
            var holder = selectKeyHolder.Bind(key.Scope).Bind(key.Value);
            if (holder.Step())
            {
                lookups.KeyHolders.Add(key, holder.Text(0));
            }

            holder.Reset();
        }

        return Task.FromResult(lookups);
    }

    /// <inheritdoc/>
    public override Task WriteAsync(AppendRows rows, DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rows);
        foreach (var row in rows.Events)
        {
            insertEvent
                .Bind(row.Position).Bind(row.Stream).Bind(row.Version).Bind(row.EventId).Bind(row.Type).Bind(row.SchemaVersion).Bind(row.Payload)
                .Bind(row.CommandId).Bind(row.CorrelationId).Bind(row.CausationId).Bind(row.User).Bind(row.TimeMicroseconds).Bind(row.Hash)
                .Run();
        }

        if (rows.Outbox is { } outbox)
        {
            insertOutbox.Bind(outbox.LastPosition).Bind(outbox.FirstPosition).Bind(outbox.TimeMicroseconds).Run();
        }

        foreach (var row in rows.FreedKeys)
        {
            deleteKey.Bind(row.Scope).Bind(row.Value).Bind(row.Stream).Run();
        }

        foreach (var row in rows.ClaimedKeys)
        {
            insertKey.Bind(row.Scope).Bind(row.Value).Bind(row.Stream).Run();
        }

        foreach (var row in rows.Commands)
        {
            insertCommand
                .Bind(row.CommandId).Bind(row.RequestHash).Bind(row.Stream).Bind(row.Version).Bind(row.Position).Bind(row.Reply).Bind(row.TimeMicroseconds)
                .Run();
        }

        foreach (var row in rows.Audit)
        {
            insertAudit
                .Bind(row.TimeMicroseconds).Bind(row.CommandType).Bind(row.CommandId).Bind(row.User).Bind(row.Stream).Bind(row.Outcome)
                .Bind(row.ErrorReason).Bind(row.DurationMicroseconds).Bind(row.Position)
                .Run();
        }

        foreach (var row in rows.Snapshots)
        {
            deleteSnapshot.Bind(row.Stream).Run();
            insertSnapshot
                .Bind(row.Stream).Bind(row.Version).Bind(row.Position).Bind(row.SchemaVersion).Bind(row.Payload).Bind(row.TimeMicroseconds)
                .Run();
        }

        if (rows.TrimOutboxTo > 0)
        {
            trimOutbox.Bind(rows.TrimOutboxTo).Run();
        }

        if (rows.DeleteCommandsBefore > 0)
        {
            forgetCommands.Bind(rows.DeleteCommandsBefore).Bind(MaxDeletedCommands).Run();
        }

        if (rows.NewHead is { } head)
        {
            advanceSequencer.Bind(head.Position).Bind(head.TimeMicroseconds).Bind(head.Hash).Run();
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        Array.ForEach(All, statement => statement.Dispose());
        return base.DisposeAsync();
    }
}
