using System.Data.Common;
using System.Globalization;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.EventStore;
using Npgsql;

namespace GrpcCqrs.Storage.PostgreSql;

/// <summary>
/// Look-ups and writes as sets: one statement for each table, however many rows there are. A transaction takes two
/// round trips: the lock followed by all look-ups, and all writes followed by the commit.
/// </summary>
internal sealed class PostgreSqlAppendSession(NpgsqlConnection connection, PostgreSqlProvider provider) : AppendSession(connection, provider)
{
    /// <summary>The transaction's writes, until it is committed.</summary>
    private NpgsqlBatch? writes;

    /// <inheritdoc/>
    public override async Task<(LogHead Head, AppendLookups Lookups)> LockAndLoadAsync(AppendLookupKeys keys, DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keys);
        await using var batch = NewBatch(transaction);
        LogHead? head = null;
        var reads = new List<Action<DbDataReader>>(4) { row => head = ReadHead(row) };
        Add(batch, Provider.LockSequencer);
        var lookups = AddLookUps(keys, batch, reads);
        await ReadAsync(batch, reads, cancellationToken);
        return (head ?? throw NoSequencer(), lookups);
    }

    /// <inheritdoc/>
    public override async Task<AppendLookups> LoadAsync(AppendLookupKeys keys, DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keys);
        await using var batch = NewBatch(transaction);
        var reads = new List<Action<DbDataReader>>(3);
        var lookups = AddLookUps(keys, batch, reads);
        if (reads.Count > 0)
        {
            await ReadAsync(batch, reads, cancellationToken);
        }

        return lookups;
    }

    private static AppendLookups AddLookUps(AppendLookupKeys keys, NpgsqlBatch batch, List<Action<DbDataReader>> reads)
    {
        var lookups = new AppendLookups();
        if (keys.Streams.Count > 0)
        {
            Add(batch, PostgreSqlSets.SelectStreamVersions, Column(keys.Streams, stream => stream));
            reads.Add(row => lookups.Versions.Add(row.GetString(0), row.GetInt64(1)));
        }

        if (keys.Commands.Count > 0)
        {
            Add(batch, PostgreSqlSets.SelectCommands, Column(keys.Commands, id => id));
            reads.Add(row =>
            {
                var record = ReadCommand(row);
                lookups.Commands.Add(record.CommandId, record);
            });
        }

        if (keys.Keys.Count > 0)
        {
            Add(batch, PostgreSqlSets.SelectKeyHolders, Column(keys.Keys, key => key.Scope), Column(keys.Keys, key => key.Value));
            reads.Add(row => lookups.KeyHolders.Add(new UniqueKey(row.GetString(0), row.GetString(1)), row.GetString(2)));
        }

        return lookups;
    }

    private static async Task ReadAsync(NpgsqlBatch batch, List<Action<DbDataReader>> reads, CancellationToken cancellationToken)
    {
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        foreach (var read in reads)
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                read(reader);
            }

            await reader.NextResultAsync(cancellationToken);
        }
    }

    /// <summary>Keeps the writes for <see cref="CommitAsync"/>.</summary>
    public override async Task WriteAsync(AppendRows rows, DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rows);
        await (writes?.DisposeAsync() ?? ValueTask.CompletedTask);
        var batch = writes = NewBatch(transaction);
        AddEvents(batch, rows.Events);
        if (rows.Outbox is { } outbox)
        {
            Add(batch, PostgreSqlSets.InsertOutbox, Value(outbox.LastPosition), Value(outbox.FirstPosition), Value(outbox.TimeMicroseconds));
        }

        AddKeys(batch, PostgreSqlSets.DeleteKeys, rows.FreedKeys);
        AddKeys(batch, PostgreSqlSets.InsertKeys, rows.ClaimedKeys);
        AddCommands(batch, rows.Commands);
        AddAudit(batch, rows.Audit);
        AddSnapshots(batch, rows.Snapshots);
        if (rows.TrimOutboxTo > 0)
        {
            Add(batch, PostgreSqlSets.TrimOutbox, Value(rows.TrimOutboxTo));
        }

        if (rows.DeleteCommandsBefore > 0)
        {
            Add(batch, PostgreSqlSets.DeleteCommands, Value(rows.DeleteCommandsBefore), Value<long>(MaxDeletedCommands));
        }

        if (rows.NewHead is { } head)
        {
            Add(batch, PostgreSqlSets.AdvanceSequencer, Value(head.Position), Value(head.TimeMicroseconds), Value(head.Hash));
            Add(batch, PostgreSqlSets.Notify, Value(head.Position.ToString(CultureInfo.InvariantCulture)));
        }

    }

    /// <summary>Writes and commits. If a write is rejected, the server does not run the commit.</summary>
    public override async Task CommitAsync(DbTransaction transaction, CancellationToken cancellationToken)
    {
        if (writes is not { BatchCommands.Count: > 0 } batch)
        {
            await base.CommitAsync(transaction, cancellationToken);
            return;
        }

        writes = null;
        await using (batch)
        {
            Add(batch, PostgreSqlSets.Commit);
            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await (writes?.DisposeAsync() ?? ValueTask.CompletedTask);
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private static void AddEvents(NpgsqlBatch batch, List<EventRow> rows)
    {
        if (rows.Count > 0)
        {
            Add(
                batch, PostgreSqlSets.InsertEvents,
                Column(rows, row => row.Position), Column(rows, row => row.Stream), Column(rows, row => row.Version),
                Column(rows, row => row.EventId), Column(rows, row => row.Type), Column(rows, row => row.SchemaVersion),
                Column(rows, row => row.Payload), Column(rows, row => row.CommandId), Column(rows, row => row.CorrelationId),
                Column(rows, row => row.CausationId), Column(rows, row => row.User), Column(rows, row => row.TimeMicroseconds),
                Column(rows, row => row.Hash));
        }
    }

    private static void AddKeys(NpgsqlBatch batch, string text, List<UniqueKeyRow> rows)
    {
        if (rows.Count > 0)
        {
            Add(batch, text, Column(rows, row => row.Scope), Column(rows, row => row.Value), Column(rows, row => row.Stream));
        }
    }

    private static void AddCommands(NpgsqlBatch batch, List<CommandRow> rows)
    {
        if (rows.Count > 0)
        {
            Add(
                batch, PostgreSqlSets.InsertCommands,
                Column(rows, row => row.CommandId), Column(rows, row => row.RequestHash), Column(rows, row => row.Stream),
                Column(rows, row => row.Version), Column(rows, row => row.Position), Column(rows, row => row.Reply),
                Column(rows, row => row.TimeMicroseconds));
        }
    }

    private static void AddAudit(NpgsqlBatch batch, List<AuditRow> rows)
    {
        if (rows.Count > 0)
        {
            Add(
                batch, PostgreSqlSets.InsertAudit,
                Column(rows, row => row.TimeMicroseconds), Column(rows, row => row.CommandType), Column(rows, row => row.CommandId),
                Column(rows, row => row.User), Column(rows, row => row.Stream), Column(rows, row => row.Outcome),
                Column(rows, row => row.ErrorReason), Column(rows, row => row.DurationMicroseconds), Column(rows, row => row.Position));
        }
    }

    private static void AddSnapshots(NpgsqlBatch batch, List<SnapshotRow> rows)
    {
        if (rows.Count > 0)
        {
            Add(
                batch, PostgreSqlSets.PutSnapshots,
                Column(rows, row => row.Stream), Column(rows, row => row.Version), Column(rows, row => row.Position),
                Column(rows, row => row.SchemaVersion), Column(rows, row => row.Payload), Column(rows, row => row.TimeMicroseconds));
        }
    }

    private NpgsqlBatch NewBatch(DbTransaction transaction) => new((NpgsqlConnection)Connection, (NpgsqlTransaction)transaction);

    private static void Add(NpgsqlBatch batch, string text, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(text);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        batch.BatchCommands.Add(command);
    }

    private static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };

    private static NpgsqlParameter<T[]> Column<TRow, T>(IReadOnlyCollection<TRow> rows, Func<TRow, T> column)
    {
        var values = new T[rows.Count];
        var index = 0;
        foreach (var row in rows)
        {
            values[index++] = column(row);
        }

        return Value(values);
    }
}
