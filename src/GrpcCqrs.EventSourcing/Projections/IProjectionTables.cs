using System.Data.Common;

namespace GrpcCqrs.EventSourcing;

/// <summary>
/// One generation of a projection's tables within an open transaction. Statements name the tables in braces, <c>UPDATE
/// {books} SET title = @title WHERE id = @id</c>, so that the same text works for every generation. Each text is
/// prepared once and kept with the connection: use few texts and pass values as parameters.
/// </summary>
public interface IProjectionTables
{
    /// <summary>The open transaction. A projection must not commit it or roll it back.</summary>
    DbTransaction Transaction { get; }

    /// <summary>Runs a statement that returns no rows.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="parameters">
    /// Its parameters, always in the same order for the same text; names without the marker.
    /// </param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <returns>The number of rows changed.</returns>
    /// <exception cref="DbException">The database rejects it.</exception>
    Task<int> ExecuteAsync(string sql, ReadOnlySpan<(string Name, object? Value)> parameters, CancellationToken cancellationToken);

    /// <summary>
    /// Runs a statement that returns no rows once for each set of values, in order. A database server gets many of them
    /// in one round trip.
    /// </summary>
    /// <param name="sql">The statement.</param>
    /// <param name="names">
    /// The names of its parameters, without the marker; always in the same order for the same text.
    /// </param>
    /// <param name="rows">The parameter values, in the order of the names; may be empty.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <exception cref="DbException">The database rejects one of them.</exception>
    Task ExecuteManyAsync(string sql, IReadOnlyList<string> names, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken);

    /// <summary>
    /// Changes several rows of a table, each at most once. Their order does not matter, so a database server may do it
    /// in one statement. Default: one after the other.
    /// </summary>
    /// <param name="change">The change to each row.</param>
    /// <param name="rows">
    /// The values of each row in the order of <see cref="RowChange.Names"/>, with distinct keys; may be empty.
    /// </param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <exception cref="DbException">The database rejects one of them.</exception>
    Task ChangeManyAsync(RowChange change, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(change);
        return ExecuteManyAsync(change.Text, change.Names, rows, cancellationToken);
    }

    /// <summary>Runs a statement that returns rows.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="parameters">Its parameters, as for <see cref="ExecuteAsync"/>.</param>
    /// <param name="read">Converts a row to an item.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <exception cref="DbException">The database rejects it.</exception>
    Task<List<T>> QueryAsync<T>(
        string sql, ReadOnlySpan<(string Name, object? Value)> parameters, Func<DbDataReader, T> read, CancellationToken cancellationToken);
}
