using System.Data.Common;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage.Databases;

/// <summary>
/// A database for which projections' writes are buffered and sent together, to save round trips. For others each
/// statement is sent at once.
/// </summary>
internal interface IWriteGathering
{
    /// <summary>
    /// One statement that changes several rows; null if a value is of an unsupported type, so that one statement is sent
    /// for each row.
    /// </summary>
    /// <param name="change">The change to each row.</param>
    /// <param name="table">The table's name in the database.</param>
    /// <param name="rows">The values of each row, with distinct keys; at least one row.</param>
    DbBatchCommand? ChangeRows(RowChange change, string table, IReadOnlyList<object?[]> rows);
}
