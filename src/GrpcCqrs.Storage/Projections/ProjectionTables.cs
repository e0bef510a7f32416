using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.Projections;

/// <summary>
/// One generation's tables on the projector's connection, with the statements that projections have prepared on them.
/// Writes go through the buffer, if there is one.
/// </summary>
internal sealed class ProjectionTables(DbConnection connection, int generation, DatabaseProvider provider, WriteBuffer? buffer = null) : IProjectionTables, IDisposable
{
    /// <summary>The most statements in one round trip; more would only make the packet larger.</summary>
    private const int MaxBatchCommands = 500;

    /// <summary>The most rows that one statement changes, and the most characters of text in them.</summary>
    private const int MaxSetRows = 1_000;
    private const int MaxSetLength = 2 * 1024 * 1024;

    private readonly Dictionary<string, Statement> statements = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IRowStatement?> rowStatements = new(StringComparer.Ordinal);

    public DbTransaction Transaction
    {
        get
        {
            // A caller that uses the connection directly must see all earlier writes.
            buffer?.Flush();
            return Open ?? throw new InvalidOperationException("No transaction is open.");
        }
    }

    /// <summary>The transaction; null when only reading.</summary>
    public DbTransaction? Open { get; set; }

    public Task<int> ExecuteAsync(string sql, ReadOnlySpan<(string Name, object? Value)> parameters, CancellationToken cancellationToken) =>
        FlushAndExecuteAsync(With(sql, parameters), cancellationToken);

    public Task ExecuteManyAsync(string sql, IReadOnlyList<string> names, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken) => buffer is not null
        ? GatherEachAsync(sql, names, rows, cancellationToken)
        : rows.Count > 1 && connection.CanCreateBatch ? ExecuteBatchesAsync(sql, names, rows, cancellationToken) : ExecuteEachAsync(sql, names, rows, cancellationToken);

    public Task ChangeManyAsync(RowChange change, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken) => buffer is not null
        ? GatherSetsAsync(change, rows, cancellationToken)
        : ExecuteManyAsync(change.Text, change.Names, rows, cancellationToken);

    public Task<List<T>> QueryAsync<T>(
        string sql, ReadOnlySpan<(string Name, object? Value)> parameters, Func<DbDataReader, T> read, CancellationToken cancellationToken) => buffer is { IsEmpty: false }
        ? ReadBehindAsync(buffer.Make(GenerationNames.Resolve(generation, sql), parameters), read, cancellationToken)
        : ReadAsync(With(sql, parameters), read, cancellationToken);

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

    private async Task<int> FlushAndExecuteAsync(DbCommand command, CancellationToken cancellationToken)
    {
        await (buffer?.FlushAsync(cancellationToken) ?? ValueTask.CompletedTask);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<List<T>> ReadBehindAsync<T>(DbBatchCommand query, Func<DbDataReader, T> read, CancellationToken cancellationToken)
    {
        var rows = new List<T>();
        await buffer!.ReadAsync(query, row => rows.Add(read(row)), cancellationToken);
        return rows;
    }

    private async Task GatherEachAsync(string sql, IReadOnlyList<string> names, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken)
    {
        var text = GenerationNames.Resolve(generation, sql);
        foreach (var row in rows)
        {
            await buffer!.AddAsync(buffer.Make(text, [.. names.Zip(row)]), 2L * LengthOf(row), cancellationToken);
        }
    }

    private async Task GatherSetsAsync(RowChange change, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken)
    {
        for (var start = 0; start < rows.Count;)
        {
            var set = new List<object?[]>();
            for (var length = 0; start < rows.Count && set.Count < MaxSetRows && length < MaxSetLength; start++)
            {
                set.Add(rows[start]);
                length += LengthOf(rows[start]);
            }

            if (((IWriteGathering)provider).ChangeRows(change, GenerationNames.NameIn(generation, change.Table), set) is { } statement)
            {
                await buffer!.AddAsync(statement, 2L * set.Sum(LengthOf), cancellationToken);
            }
            else
            {
                await GatherEachAsync(change.Text, change.Names, set, cancellationToken);
            }
        }
    }

    /// <summary>The approximate size of a row's values, in characters; numbers count little.</summary>
    private static int LengthOf(object?[] row)
    {
        var length = 0;
        foreach (var value in row)
        {
            length += value switch
            {
                string text => text.Length,
                string?[] texts => texts.Sum(text => text?.Length ?? 0),
                _ => 0,
            };
        }

        return length;
    }

    /// <summary>One statement at a time: an embedded database has no round trips to save.</summary>
    private async Task ExecuteEachAsync(string sql, IReadOnlyList<string> names, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken)
    {
        if (rows.Count == 0)
        {
            return;
        }

        if (!rowStatements.TryGetValue(sql, out var statement))
        {
            rowStatements.Add(sql, statement = (provider as IRowStatements)?.PrepareRows(connection, GenerationNames.Resolve(generation, sql), names));
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
        var text = GenerationNames.Resolve(generation, sql);
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
            statements.Add(sql, statement = new Statement(connection, GenerationNames.Resolve(generation, sql), parameters));
        }

        return statement.With(Open, parameters);
    }

    private Statement Find(string sql, IReadOnlyList<string> names)
    {
        if (!statements.TryGetValue(sql, out var statement))
        {
            (string Name, object? Value)[] parameters = [.. names.Select(name => (name, (object?)null))];
            statements.Add(sql, statement = new Statement(connection, GenerationNames.Resolve(generation, sql), parameters));
        }

        return statement;
    }
}
