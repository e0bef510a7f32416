using System.Reflection;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Projections.Rows;

namespace GrpcCqrs.Storage.Projections.Folds;

/// <summary>
/// A table of a <see cref="FoldProjection{TState}"/> in which each row belongs to one stream. Created by
/// <see cref="StreamTable"/>. A batch first deletes rows, then updates, then inserts. An update names only the columns
/// whose values have changed, since a database maintains an index for every named column.
/// </summary>
/// <typeparam name="TState">The state of one stream.</typeparam>
public abstract class StreamTable<TState>
    where TState : class
{
    private protected StreamTable(string name, Type row)
    {
        Table = new ProjectionTable(name, row);
        Rows = new ProjectedRows(name, $"SELECT {string.Join(", ", RowType.Of(row).Columns)} FROM {{{name}}}", StreamTable.StreamColumnOf(row));
    }

    /// <summary>The table.</summary>
    public ProjectionTable Table { get; }

    /// <summary>The rows, for comparisons and reports.</summary>
    public ProjectedRows Rows { get; }

    /// <summary>Whether states are read from it.</summary>
    internal abstract bool IsLoaded { get; }

    /// <summary>The approximate memory of the part of a state that this table holds.</summary>
    internal abstract long BytesOf(string id, TState state);

    internal abstract Task LoadAsync(
        IReadOnlyList<string> ids, Dictionary<string, StreamChange<TState>> streams, IProjectionTables tables, CancellationToken cancellationToken);

    internal abstract Task RemoveAsync(string id, IProjectionTables tables, CancellationToken cancellationToken);

    internal abstract Task WriteAsync(IReadOnlyList<StreamChange<TState>> changes, IProjectionTables tables, CancellationToken cancellationToken);
}

/// <summary>
/// Creates tables in which each row belongs to one stream. The column that holds <see cref="StreamId.Id"/> is the row
/// class's key if that is a single column, otherwise the one marked with <see cref="StreamColumnAttribute"/>.
/// </summary>
public static class StreamTable
{
    /// <summary>A table with one row for each stream.</summary>
    /// <param name="name">The table.</param>
    /// <param name="row">Creates a stream's row from its id and state.</param>
    /// <param name="read">
    /// Restores the state from a row. Null: the table is write-only, since another table holds the state.
    /// </param>
    public static StreamTable<TState> Row<TState, TRow>(string name, Func<string, TState, TRow> row, Func<TRow, TState>? read)
        where TState : class
        where TRow : class =>
        new RowTable<TState, TState, TRow>(
            name, static state => [state], row, read is null ? null : (_, found) => read(found), static (_, _) => false);

    /// <summary>
    /// A table with any number of rows for each stream. A batch writes the difference between the old and the new rows.
    /// </summary>
    /// <param name="name">The table.</param>
    /// <param name="items">
    /// The items of a state, one for each row. Returning the same object as before means that no row has changed.
    /// </param>
    /// <param name="row">Creates an item's row from the stream's id and the item.</param>
    /// <param name="read">
    /// Adds a row to the state, which is null before the first row. Null: the table is write-only, since another table
    /// holds the state.
    /// </param>
    public static StreamTable<TState> Rows<TState, TItem, TRow>(
        string name, Func<TState, IReadOnlyCollection<TItem>> items, Func<string, TItem, TRow> row, Func<TState?, TRow, TState>? read = null)
        where TState : class
        where TRow : class =>
        new RowTable<TState, TItem, TRow>(name, items, row, read, (one, other) => ReferenceEquals(items(one), items(other)));

    /// <summary>The column that holds the stream's id.</summary>
    /// <exception cref="InvalidOperationException">The column is ambiguous.</exception>
    internal static string StreamColumnOf(Type row)
    {
        var type = RowType.Of(row);
        var marked = type.Properties.SingleOrDefault(property => property.GetCustomAttribute<StreamColumnAttribute>() is not null);
        return RowType.ColumnOf(marked ?? (type.Keys.Count == 1
            ? type.Keys[0]
            : throw new InvalidOperationException($"Mark the property of {row.Name} that holds the stream's id with [StreamColumn].")));
    }
}
