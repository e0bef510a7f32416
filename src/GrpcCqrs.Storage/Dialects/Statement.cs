using System.Data.Common;

namespace GrpcCqrs.Storage;

/// <summary>One statement text with its parameters, prepared once on a connection that is kept open.</summary>
internal sealed class Statement : IDisposable
{
    private readonly DbCommand command;

    /// <summary>Makes the statement; the parameters are set by their order here.</summary>
    public Statement(DbConnection connection, string text, params ReadOnlySpan<string> parameters)
    {
        command = connection.CreateCommand();
        command.CommandText = text;
        foreach (var name in parameters)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = "@" + name;
            command.Parameters.Add(parameter);
        }
    }

    /// <summary>Sets all parameters; null becomes the database's null.</summary>
    public DbCommand With(DbTransaction? transaction, params ReadOnlySpan<object?> values)
    {
        command.Transaction = transaction;
        for (var index = 0; index < values.Length; index++)
        {
            command.Parameters[index].Value = values[index] ?? DBNull.Value;
        }

        return command;
    }

    public void Dispose() => command.Dispose();
}
