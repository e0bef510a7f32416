using System.Data.Common;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>One slot's tables on the projector's connection, with the statements that projections have used on them.</summary>
internal sealed class ProjectionTables(DbConnection connection, int slot) : IProjectionTables, IDisposable
{
    private readonly Dictionary<string, Statement> statements = new(StringComparer.Ordinal);
    private DbTransaction? transaction;

    public DbTransaction Transaction
    {
        get => transaction ?? throw new InvalidOperationException("No transaction is open.");
        set => transaction = value;
    }

    public Task<int> ExecuteAsync(string sql, ReadOnlySpan<(string Name, object? Value)> parameters, CancellationToken cancellationToken) =>
        With(sql, parameters).ExecuteNonQueryAsync(cancellationToken);

    public Task<List<T>> QueryAsync<T>(
        string sql, ReadOnlySpan<(string Name, object? Value)> parameters, Func<DbDataReader, T> read, CancellationToken cancellationToken) =>
        ReadAsync(With(sql, parameters), read, cancellationToken);

    public void Dispose()
    {
        foreach (var statement in statements.Values)
        {
            statement.Dispose();
        }

        statements.Clear();
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

        return statement.With(Transaction, parameters);
    }
}
