using System.Data.Common;

namespace GrpcCqrs.Storage.Databases;

/// <summary>A prepared statement that is run for one row of parameters at a time.</summary>
internal interface IRowStatement : IDisposable
{
    /// <summary>Runs the statement once for each row, in the connection's open transaction.</summary>
    /// <returns>How many rows it ran for. Stops early at a row with a value of an unsupported type.</returns>
    /// <exception cref="DbException">The database rejects a row.</exception>
    int Run(IReadOnlyList<object?[]> rows);
}
