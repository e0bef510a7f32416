using System.Data.Common;

namespace GrpcCqrs.EventSourcing;

/// <summary>
/// One generation of a projection's tables within an open transaction. Statements name the tables in braces, <c>UPDATE {books} SET
/// title = @title WHERE id = @id</c>, so that the same text serves every generation. Each text is prepared once and kept with the
/// connection: use few texts and put values into parameters.
/// </summary>
public interface IProjectionTables
{
    /// <summary>The open transaction; neither to be committed nor rolled back by a projection.</summary>
    DbTransaction Transaction { get; }

    /// <summary>Runs a statement that returns no rows.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="parameters">Its parameters, always in the same order for a text; names without the marker.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>How many rows it changed.</returns>
    /// <exception cref="DbException">The database refuses it.</exception>
    Task<int> ExecuteAsync(string sql, ReadOnlySpan<(string Name, object? Value)> parameters, CancellationToken cancellationToken);

    /// <summary>
    /// Runs a statement that returns no rows once for each of several sets of values, in their order. A database server gets many of
    /// them in one round trip.
    /// </summary>
    /// <param name="sql">The statement.</param>
    /// <param name="names">The names of its parameters, without the marker; always in the same order for a text.</param>
    /// <param name="rows">The parameters' values, in the order of the names; may be none.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="DbException">The database refuses one of them.</exception>
    Task ExecuteManyAsync(string sql, IReadOnlyList<string> names, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken);

    /// <summary>
    /// Changes several rows of a table, each once at most; their order does not matter, so that a database server may do it in one
    /// statement. Default: one after the other.
    /// </summary>
    /// <param name="change">What is done to each.</param>
    /// <param name="rows">The values of each in the order of <see cref="RowChange.Names"/>, with different keys; may be none.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="DbException">The database refuses one of them.</exception>
    Task ChangeManyAsync(RowChange change, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(change);
        return ExecuteManyAsync(change.Text, change.Names, rows, cancellationToken);
    }

    /// <summary>Runs a statement that returns rows.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="parameters">Its parameters, as for <see cref="ExecuteAsync"/>.</param>
    /// <param name="read">Makes an item of a row.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="DbException">The database refuses it.</exception>
    Task<List<T>> QueryAsync<T>(
        string sql, ReadOnlySpan<(string Name, object? Value)> parameters, Func<DbDataReader, T> read, CancellationToken cancellationToken);
}
