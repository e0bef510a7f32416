using System.Data.Common;

namespace GrpcCqrs.Storage.Databases;

/// <summary>One statement text with its parameters, created once on a connection and reused.</summary>
internal sealed class Statement : IDisposable
{
    /// <summary>The longest text, in characters, that SQL Server does not treat as unbounded.</summary>
    private const int MaxSizedText = 4_000;

    private readonly DbCommand command;

    /// <summary>Creates the statement; every use must pass the parameters in the same order.</summary>
    public Statement(DbConnection connection, string text, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        command = connection.CreateCommand();
        command.CommandText = text;
        foreach (var (name, _) in parameters)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = "@" + name;
            command.Parameters.Add(parameter);
        }
    }

    /// <summary>
    /// Sets all parameters. Null becomes the database's null, which drivers send without a type or, in SQL Server's
    /// case, as text. Texts are declared with one of two sizes, since SQL Server creates a plan for each declared size.
    /// </summary>
    public DbCommand With(DbTransaction? transaction, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        command.Transaction = transaction;
        for (var index = 0; index < parameters.Length; index++)
        {
            var (parameter, value) = (command.Parameters[index], parameters[index].Value);
            parameter.Value = value ?? DBNull.Value;
            if (value is string text)
            {
                parameter.Size = text.Length <= MaxSizedText ? MaxSizedText : -1;
            }
        }

        return command;
    }

    /// <summary>Creates a statement for a single use.</summary>
    public static DbCommand Once(
        DbConnection connection, DbTransaction? transaction, string text, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        new Statement(connection, text, parameters).With(transaction, parameters);

    /// <summary>Runs a query for a single use and reads all of its rows.</summary>
    public static async Task<List<T>> QueryAsync<T>(
        DbConnection connection, DbTransaction? transaction, string text, Func<DbDataReader, T> read, CancellationToken cancellationToken,
        params (string Name, object? Value)[] parameters)
    {
        await using var once = Once(connection, transaction, text, parameters);
        await using var reader = await once.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    /// <summary>Runs a statement for a single use and returns the number of rows that it changed.</summary>
    public static async Task<int> ExecuteAsync(
        DbConnection connection, DbTransaction? transaction, string text, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        await using var once = Once(connection, transaction, text, parameters);
        return await once.ExecuteNonQueryAsync(cancellationToken);
    }

    public void Dispose() => command.Dispose();
}
