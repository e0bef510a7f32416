using System.Data.Common;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>One slot's tables on the projector's connection, with the statements that projections have used on them.</summary>
internal sealed class ProjectionTables(DbConnection connection, int slot, DatabaseProvider? provider = null) : IProjectionTables, IDisposable
{
    /// <summary>How many statements go in one round trip; more would only make the packet larger.</summary>
    private const int MaxBatchCommands = 500;

    private readonly Dictionary<string, Statement> statements = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IRowStatement?> rowStatements = new(StringComparer.Ordinal);

    public DbTransaction Transaction => Open ?? throw new InvalidOperationException("No transaction is open.");

    /// <summary>The transaction; null for none, to read.</summary>
    public DbTransaction? Open { get; set; }

    public Task<int> ExecuteAsync(string sql, ReadOnlySpan<(string Name, object? Value)> parameters, CancellationToken cancellationToken) =>
        With(sql, parameters).ExecuteNonQueryAsync(cancellationToken);

    public Task ExecuteManyAsync(string sql, IReadOnlyList<string> names, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken) =>
        rows.Count > 1 && connection.CanCreateBatch ? ExecuteBatchesAsync(sql, names, rows, cancellationToken) : ExecuteEachAsync(sql, names, rows, cancellationToken);

    public Task<List<T>> QueryAsync<T>(
        string sql, ReadOnlySpan<(string Name, object? Value)> parameters, Func<DbDataReader, T> read, CancellationToken cancellationToken) =>
        ReadAsync(With(sql, parameters), read, cancellationToken);

    public void Dispose()
    {
        foreach (var statement in statements.Values)
        {
            statement.Dispose();
        }

        foreach (var statement in rowStatements.Values)
        {
            statement?.Dispose();
        }

        statements.Clear();
        rowStatements.Clear();
    }

    /// <summary>One after the other: an embedded database has no round trips to spare.</summary>
    private async Task ExecuteEachAsync(string sql, IReadOnlyList<string> names, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken)
    {
        if (rows.Count == 0)
        {
            return;
        }

        if (!rowStatements.TryGetValue(sql, out var statement))
        {
            rowStatements.Add(sql, statement = provider?.PrepareRows(connection, TableSlots.Resolve(slot, sql), names));
        }

        var done = statement?.Run(rows) ?? 0;
        if (done == rows.Count)
        {
            return;
        }

        var command = Find(sql, names).With(Transaction);
        foreach (var row in rows.Skip(done))
        {
            for (var index = 0; index < row.Length; index++)
            {
                command.Parameters[index].Value = row[index] ?? DBNull.Value;
            }

            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private async Task ExecuteBatchesAsync(string sql, IReadOnlyList<string> names, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken)
    {
        var text = TableSlots.Resolve(slot, sql);
        foreach (var chunk in rows.Chunk(MaxBatchCommands))
        {
            await using var batch = connection.CreateBatch();
            batch.Transaction = Transaction;
            foreach (var row in chunk)
            {
                var command = batch.CreateBatchCommand();
                command.CommandText = text;
                for (var index = 0; index < names.Count; index++)
                {
                    var parameter = command.CreateParameter();
                    (parameter.ParameterName, parameter.Value) = ("@" + names[index], row[index] ?? DBNull.Value);
                    command.Parameters.Add(parameter);
                }

                batch.BatchCommands.Add(command);
            }

            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private static async Task<List<T>> ReadAsync<T>(DbCommand command, Func<DbDataReader, T> read, CancellationToken cancellationToken)
    {
        var rows = new List<T>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    private DbCommand With(string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        if (!statements.TryGetValue(sql, out var statement))
        {
            statements.Add(sql, statement = new Statement(connection, TableSlots.Resolve(slot, sql), parameters));
        }

        return statement.With(Open, parameters);
    }

    private Statement Find(string sql, IReadOnlyList<string> names)
    {
        if (!statements.TryGetValue(sql, out var statement))
        {
            (string Name, object? Value)[] parameters = [.. names.Select(name => (name, (object?)null))];
            statements.Add(sql, statement = new Statement(connection, TableSlots.Resolve(slot, sql), parameters));
        }

        return statement;
    }
}
