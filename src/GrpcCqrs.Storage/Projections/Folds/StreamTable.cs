using System.Data.Common;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>A column of a projection's table, and how its value comes from what the row is made of.</summary>
/// <typeparam name="T">What the row is made of.</typeparam>
/// <param name="Name">The column's name.</param>
/// <param name="Value">Its value; null for the database's null. Pure.</param>
public readonly record struct Column<T>(string Name, Func<T, object?> Value);

/// <summary>
/// A table of a <see cref="FoldProjection{TState}"/> whose rows belong to one stream each. It is made by <see cref="StreamTable"/>.
/// Within a batch rows are first deleted, then updated, then inserted; an update names only the columns whose values have changed,
/// since a database maintains an index for every column that is named.
/// </summary>
/// <typeparam name="TState">What is known of one stream.</typeparam>
public abstract class StreamTable<TState>
    where TState : class
{
    private readonly string streamColumn;
    private readonly KeyedSelect select;
    private readonly Func<TState?, DbDataReader, TState>? read;
    private readonly int columnCount;
    private readonly string deleteStream;

    private protected StreamTable(string name, string streamColumn, string[] columns, Func<TState?, DbDataReader, TState>? read)
    {
        this.streamColumn = streamColumn;
        this.read = read;
        columnCount = columns.Length;
        Name = name;
        Rows = new ProjectedRows(name, $"SELECT {string.Join(", ", [streamColumn, .. columns])} FROM {{{name}}}", streamColumn);

        // The stream comes last, so that a state's reader counts its own columns from 0.
        select = new KeyedSelect($"SELECT {string.Join(", ", [.. columns, streamColumn])} FROM {{{name}}}", streamColumn);
        deleteStream = $"DELETE FROM {{{name}}} WHERE {streamColumn} = @stream";
    }

    /// <summary>The table's name.</summary>
    public string Name { get; }

    /// <summary>What the table says.</summary>
    public ProjectedRows Rows { get; }

    internal bool IsLoaded => read is not null;

    /// <summary>About how much memory takes what a state says here.</summary>
    internal abstract long BytesOf(TState state);

    internal Task LoadAsync(
        IReadOnlyList<string> ids, Dictionary<string, StreamChange<TState>> streams, IProjectionTables tables, CancellationToken cancellationToken) =>
        select.ReadAsync(
            ids,
            tables,
            row =>
            {
                var stream = streams[row.GetString(columnCount)];
                stream.After = read!(stream.After, row);
            },
            cancellationToken);

    internal Task RemoveAsync(string id, IProjectionTables tables, CancellationToken cancellationToken) =>
        tables.ExecuteAsync(deleteStream, [("stream", id)], cancellationToken);

    internal abstract Task WriteAsync(IReadOnlyList<StreamChange<TState>> changes, IProjectionTables tables, CancellationToken cancellationToken);
}

/// <summary>Makes tables of rows that belong to one stream each.</summary>
public static class StreamTable
{
    /// <summary>
    /// A table with one row a stream. In words: <c>books</c> with the key <c>id</c> and the columns <c>title</c> and <c>price</c>, read
    /// by taking column 0 and column 1.
    /// </summary>
    /// <param name="name">The table.</param>
    /// <param name="key">The column, its primary key, that holds <see cref="StreamId.Id"/>.</param>
    /// <param name="read">
    /// Makes the state of a row whose columns come as they are listed; the first argument is what other tables have given so far,
    /// null where that is nothing. Null: the table is only written.
    /// </param>
    /// <param name="columns">All other columns, 64 at most.</param>
    public static StreamTable<TState> Row<TState>(
        string name, string key, Func<TState?, DbDataReader, TState>? read, params IReadOnlyList<Column<TState>> columns)
        where TState : class =>
        new RowTable<TState, TState>(name, key, read, [], columns, static state => [state], static (_, _) => false);

    /// <summary>
    /// A table with any number of rows a stream, changed by the difference between what the state said before and what it says now.
    /// In words: <c>book_topics</c> with the stream in <c>book_id</c>, one row for each topic, keyed by the topic.
    /// </summary>
    /// <param name="name">The table.</param>
    /// <param name="streamColumn">The column that holds <see cref="StreamId.Id"/>.</param>
    /// <param name="items">The rows that a state says there are. The same object as before means the same rows.</param>
    /// <param name="keys">The columns that tell the rows of a stream apart; none where there is one row at most.</param>
    /// <param name="columns">All other columns, 64 at most.</param>
    /// <param name="read">
    /// Adds a row to the state; keys come first, then the other columns. Null: the table is only written, since the state is known
    /// from another one.
    /// </param>
    public static StreamTable<TState> Set<TState, TItem>(
        string name,
        string streamColumn,
        Func<TState, IReadOnlyCollection<TItem>> items,
        IReadOnlyList<Column<TItem>> keys,
        IReadOnlyList<Column<TItem>>? columns = null,
        Func<TState?, DbDataReader, TState>? read = null)
        where TState : class =>
        new RowTable<TState, TItem>(name, streamColumn, read, keys, columns ?? [], items, (one, other) => ReferenceEquals(items(one), items(other)));
}
