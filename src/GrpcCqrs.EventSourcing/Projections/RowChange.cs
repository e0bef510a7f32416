namespace GrpcCqrs.EventSourcing;

/// <summary>
/// An insert, update or delete of one row by its key, in its parts, so that a database server can be sent one statement for many rows
/// in place of the same one again and again. It is made once and used for all batches.
/// </summary>
public sealed class RowChange
{
    private RowChange(RowChangeKind kind, string table, IReadOnlyList<string> values, IReadOnlyList<string> keys, string text, string[] names) =>
        (Kind, Table, Values, Keys, Text, Names) = (kind, table, values, keys, text, names);

    /// <summary>What it does.</summary>
    public RowChangeKind Kind { get; }

    /// <summary>The table, as projections name it: without braces, whichever generation is meant.</summary>
    public string Table { get; }

    /// <summary>The columns that an update sets; none for the others.</summary>
    public IReadOnlyList<string> Values { get; }

    /// <summary>The columns that a row is found by; those that are filled, for an insert.</summary>
    public IReadOnlyList<string> Keys { get; }

    /// <summary>The statement for one row, with the table in braces and a parameter named as its column.</summary>
    public string Text { get; }

    /// <summary>The parameters in the order in which a row's values come: those that are set, then those of the key.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>An insert.</summary>
    /// <param name="table">The table, without braces.</param>
    /// <param name="columns">The columns that are filled.</param>
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
    /// <param name="keys">The columns that together tell one row.</param>
    public static RowChange Update(string table, IReadOnlyList<string> values, IReadOnlyList<string> keys) => new(
        RowChangeKind.Update,
        table,
        values,
        keys,
        $"UPDATE {{{table}}} SET {string.Join(", ", values.Select(column => $"{column} = @{column}"))} WHERE {Where(keys)}",
        [.. values, .. keys]);

    /// <summary>A delete.</summary>
    /// <param name="table">The table, without braces.</param>
    /// <param name="keys">The columns that together tell one row.</param>
    public static RowChange Delete(string table, IReadOnlyList<string> keys) =>
        new(RowChangeKind.Delete, table, [], keys, $"DELETE FROM {{{table}}} WHERE {Where(keys)}", [.. keys]);

    private static string Where(IReadOnlyList<string> keys) => string.Join(" AND ", keys.Select(column => $"{column} = @{column}"));
}

/// <summary>What a <see cref="RowChange"/> does.</summary>
public enum RowChangeKind
{
    /// <summary>It adds a row.</summary>
    Insert,

    /// <summary>It changes a row that there is.</summary>
    Update,

    /// <summary>It removes a row that there is.</summary>
    Delete,
}
