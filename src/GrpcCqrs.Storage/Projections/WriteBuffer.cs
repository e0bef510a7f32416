using System.Data.Common;

namespace GrpcCqrs.Storage.Projections;

/// <summary>
/// Buffers those statements of a projector's transaction that return no rows. They are sent in order, in one round
/// trip: with the next query, before anything else on the connection, or before the commit. Used by one caller at a
/// time.
/// </summary>
internal sealed class WriteBuffer(DbConnection connection)
{
    /// <summary>
    /// The most statements buffered, and the most bytes of their values: more would only make the packet larger.
    /// </summary>
    private const int MaxStatements = 500;
    private const long MaxBytes = 8 * 1024 * 1024;

    private readonly List<(DbBatchCommand Statement, Action<int> Check)> checks = [];
    private DbBatch? batch;
    private long bytes;

    /// <summary>The open transaction.</summary>
    public DbTransaction? Transaction { get; set; }

    public bool IsEmpty => batch is null;

    /// <summary>Adds a statement.</summary>
    /// <param name="statement">The statement.</param>
    /// <param name="size">The approximate size of its values.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <param name="check">
    /// Receives the number of rows that the statement changed, once it is known, and throws if it is wrong.
    /// </param>
    public ValueTask AddAsync(DbBatchCommand statement, long size, CancellationToken cancellationToken, Action<int>? check = null)
    {
        (batch ??= connection.CreateBatch()).BatchCommands.Add(statement);
        bytes += size;
        if (check is not null)
        {
            checks.Add((statement, check));
        }

        return batch.BatchCommands.Count >= MaxStatements || bytes >= MaxBytes ? FlushAsync(cancellationToken) : ValueTask.CompletedTask;
    }

    /// <summary>Creates a statement for <see cref="AddAsync"/> or <see cref="ReadAsync"/>.</summary>
    public DbBatchCommand Make(string text, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var statement = (batch ??= connection.CreateBatch()).CreateBatchCommand();
        statement.CommandText = text;
        foreach (var (name, value) in parameters)
        {
            var parameter = statement.CreateParameter();
            (parameter.ParameterName, parameter.Value) = ("@" + name, value ?? DBNull.Value);
            statement.Parameters.Add(parameter);
        }

        return statement;
    }

    /// <summary>Sends the buffered statements.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        if (Take() is { } taken)
        {
            await using (taken)
            {
                await taken.ExecuteNonQueryAsync(cancellationToken);
            }

            Check();
        }
    }

    /// <summary>The synchronous version, for callers that cannot await.</summary>
    public void Flush()
    {
        if (Take() is { } taken)
        {
            using (taken)
            {
                taken.ExecuteNonQuery();
            }

            Check();
        }
    }

    /// <summary>Sends the buffered statements followed by a query, and reads its rows.</summary>
    public async Task ReadAsync(DbBatchCommand query, Action<DbDataReader> read, CancellationToken cancellationToken)
    {
        (batch ??= connection.CreateBatch()).BatchCommands.Add(query);
        await using var taken = Take()!;
        await using (var reader = await taken.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                read(reader);
            }

            await reader.NextResultAsync(cancellationToken);
        }

        Check();
    }

    /// <summary>Discards the buffered statements: their transaction has ended.</summary>
    public void Discard()
    {
        Take()?.Dispose();
        checks.Clear();
    }

    private DbBatch? Take()
    {
        var taken = batch;
        (batch, bytes) = (null, 0);
        if (taken is not null)
        {
            taken.Transaction = Transaction;
        }

        return taken;
    }

    private void Check()
    {
        (DbBatchCommand Statement, Action<int> Check)[] done = [.. checks];
        checks.Clear();
        foreach (var (statement, check) in done)
        {
            check(statement.RecordsAffected);
        }
    }
}
