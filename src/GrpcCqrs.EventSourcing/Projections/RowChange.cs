namespace GrpcCqrs.EventSourcing;

/// <summary>
/// An insert, update or delete of one row by key, split into its parts, so that a database server can get one statement
/// for many rows instead of many statements. Created once and used for all batches.
/// </summary>
public sealed class RowChange
{
    private RowChange(RowChangeKind kind, string table, IReadOnlyList<string> values, IReadOnlyList<string> keys, string text, string[] names) =>
        (Kind, Table, Values, Keys, Text, Names) = (kind, table, values, keys, text, names);

    /// <summary>The kind of change.</summary>
    public RowChangeKind Kind { get; }

    /// <summary>The table's name without braces, the same for every generation.</summary>
    public string Table { get; }

    /// <summary>The columns that an update sets; empty for other kinds.</summary>
    public IReadOnlyList<string> Values { get; }

    /// <summary>The key columns; for an insert, all columns that are set.</summary>
    public IReadOnlyList<string> Keys { get; }

    /// <summary>
    /// The statement for one row, with the table in braces and each parameter named after its column.
    /// </summary>
    public string Text { get; }

    /// <summary>The parameters in the order of a row's values: the columns that are set, then the key.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>An insert.</summary>
    /// <param name="table">The table, without braces.</param>
    /// <param name="columns">The columns that are set.</param>
    public static RowChange Insert(string table, params string[] columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        return new RowChange(
            RowChangeKind.Insert,
            table,
            [],
            columns,
            $"INSERT INTO {{{table}}} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", columns.Select(column => "@" + column))})",
            columns);
    }

    /// <summary>An update.</summary>
    /// <param name="table">The table, without braces.</param>
    /// <param name="values">The columns that are set.</param>
    /// <param name="keys">The columns that identify one row.</param>
    public static RowChange Update(string table, IReadOnlyList<string> values, IReadOnlyList<string> keys) => new(
        RowChangeKind.Update,
        table,
        values,
        keys,
        $"UPDATE {{{table}}} SET {string.Join(", ", values.Select(column => $"{column} = @{column}"))} WHERE {Where(keys)}",
        [.. values, .. keys]);

    /// <summary>A delete.</summary>
    /// <param name="table">The table, without braces.</param>
    /// <param name="keys">The columns that identify one row.</param>
    public static RowChange Delete(string table, IReadOnlyList<string> keys) =>
        new(RowChangeKind.Delete, table, [], keys, $"DELETE FROM {{{table}}} WHERE {Where(keys)}", [.. keys]);

    private static string Where(IReadOnlyList<string> keys) => string.Join(" AND ", keys.Select(column => $"{column} = @{column}"));
}

/// <summary>The kind of a <see cref="RowChange"/>.</summary>
public enum RowChangeKind
{
    /// <summary>Adds a row.</summary>
    Insert,

    /// <summary>Changes an existing row.</summary>
    Update,

    /// <summary>Removes an existing row.</summary>
    Delete,
}
