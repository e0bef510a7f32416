using System.Data.Common;

namespace GrpcCqrs.Storage;

/// <summary>One statement text with its parameters, made once on a connection and used again and again.</summary>
internal sealed class Statement : IDisposable
{
    /// <summary>The longest text that SQL Server takes as anything but unbounded.</summary>
    private const int MaxSizedText = 4_000;

    private readonly DbCommand command;

    /// <summary>Makes the statement; whenever it is used the parameters come in the same order.</summary>
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
    /// Sets all parameters; null becomes the database's null, which drivers send without a type or, SQL Server's, as text. Texts are
    /// declared with one of two sizes, since SQL Server makes a plan for each size that it is given.
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

    /// <summary>A statement that is used once.</summary>
    public static DbCommand Once(
        DbConnection connection, DbTransaction? transaction, string text, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        new Statement(connection, text, parameters).With(transaction, parameters);

    public void Dispose() => command.Dispose();
}
