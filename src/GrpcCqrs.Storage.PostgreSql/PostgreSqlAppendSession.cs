using System.Data.Common;
using System.Globalization;
using GrpcCqrs.EventSourcing;
using Npgsql;

namespace GrpcCqrs.Storage.PostgreSql;

/// <summary>
/// Look-ups and writes as sets: all look-ups of a transaction are one round trip, and so are all its writes, with one statement a
/// table however many rows there are. With the lock and the commit that makes four round trips a transaction.
/// </summary>
public sealed class PostgreSqlAppendSession(NpgsqlConnection connection, PostgreSqlProvider provider) : AppendSession(connection, provider)
{
    /// <inheritdoc/>
    public override async Task<AppendFacts> LoadAsync(AppendChecks checks, DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(checks);
        var facts = new AppendFacts();
        var reads = new List<Action<DbDataReader>>(3);
        await using var batch = NewBatch(transaction);
        if (checks.Streams.Count > 0)
        {
            Add(batch, PostgreSqlSets.SelectStreamVersions, Column(checks.Streams, stream => stream));
            reads.Add(row => facts.Versions.Add(row.GetString(0), row.GetInt64(1)));
        }

        if (checks.Commands.Count > 0)
        {
            Add(batch, PostgreSqlSets.SelectCommands, Column(checks.Commands, id => id));
            reads.Add(row =>
            {
                var record = ReadCommand(row);
                facts.Commands.Add(record.CommandId, record);
            });
        }

        if (checks.Keys.Count > 0)
        {
            Add(batch, PostgreSqlSets.SelectKeyHolders, Column(checks.Keys, key => key.Scope), Column(checks.Keys, key => key.Value));
            reads.Add(row => facts.KeyHolders.Add(new UniqueKey(row.GetString(0), row.GetString(1)), row.GetString(2)));
        }

        if (reads.Count == 0)
        {
            return facts;
        }

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        foreach (var read in reads)
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                read(reader);
            }

            await reader.NextResultAsync(cancellationToken);
        }

        return facts;
    }

    /// <inheritdoc/>
    public override async Task WriteAsync(AppendRows rows, DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rows);
        await using var batch = NewBatch(transaction);
        AddEvents(batch, rows.Events);
        AddKeys(batch, PostgreSqlSets.DeleteKeys, rows.FreedKeys);
        AddKeys(batch, PostgreSqlSets.InsertKeys, rows.ClaimedKeys);
        AddCommands(batch, rows.Commands);
        AddAudit(batch, rows.Audit);
        AddSnapshots(batch, rows.Snapshots);
        if (rows.TrimOutboxTo > 0)
        {
            Add(batch, PostgreSqlSets.TrimOutbox, Value(rows.TrimOutboxTo));
        }

        if (rows.ForgetCommandsBefore > 0)
        {
            Add(batch, PostgreSqlSets.ForgetCommands, Value(rows.ForgetCommandsBefore), Value<long>(MaxForgottenCommands));
        }

        if (rows.NewHead is { } head)
        {
            Add(batch, PostgreSqlSets.AdvanceSequencer, Value(head.Position), Value(head.TimeMicroseconds), Value(head.Hash));
            Add(batch, PostgreSqlSets.Notify, Value(head.Position.ToString(CultureInfo.InvariantCulture)));
        }

        if (batch.BatchCommands.Count > 0)
        {
            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
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
            Add(batch, PostgreSqlSets.InsertOutbox, Column(rows, row => row.Position));
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
