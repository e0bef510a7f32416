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

/// <summary>A database whose statements can run for many rows without ADO.NET.</summary>
internal interface IRowStatements
{
    /// <summary>Prepares a statement; the caller disposes it.</summary>
    /// <param name="connection">The connection; must stay open while the statement is used.</param>
    /// <param name="text">The statement, which returns no rows.</param>
    /// <param name="names">Its parameters in the order of the values, without the marker.</param>
    IRowStatement PrepareRows(DbConnection connection, string text, IReadOnlyList<string> names);
}
