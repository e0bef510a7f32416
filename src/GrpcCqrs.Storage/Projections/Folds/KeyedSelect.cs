using System.Data.Common;
using System.Globalization;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage.Projections.Folds;

/// <summary>
/// Selects rows by key, many keys in one statement. Folds load everything through this class, and write everything
/// through <see cref="IProjectionTables.ExecuteManyAsync"/>.
/// </summary>
public sealed class KeyedSelect
{
    /// <summary>The number of keys in one statement: three fixed sizes, so that few texts are prepared.</summary>
    private static readonly int[] ChunkSizes = [100, 10, 1];

    private static readonly string[] Names = [.. Enumerable.Range(0, ChunkSizes[0]).Select(number => string.Create(CultureInfo.InvariantCulture, $"k{number}"))];

    private readonly Dictionary<int, string> texts;

    /// <summary>Creates a select by key.</summary>
    /// <param name="select">A SELECT without WHERE, with the tables' names in braces.</param>
    /// <param name="keyColumn">The column that holds the key.</param>
    public KeyedSelect(string select, string keyColumn) => texts = ChunkSizes.ToDictionary(
        size => size, size => $"{select} WHERE {keyColumn} IN ({string.Join(", ", Names.Take(size).Select(name => "@" + name))})");

    /// <summary>Reads the rows, in any order.</summary>
    /// <param name="keys">The distinct keys; may be empty.</param>
    /// <param name="tables">The tables to read.</param>
    /// <param name="read">Called for each row.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <exception cref="DbException">The database rejects the statement.</exception>
    public async Task ReadAsync<TKey>(IReadOnlyList<TKey> keys, IProjectionTables tables, Action<DbDataReader> read, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keys);
        ArgumentNullException.ThrowIfNull(tables);
        for (var start = 0; start < keys.Count;)
        {
            // Pad a chunk that is not full by repeating its last key.
            var rest = keys.Count - start;
            var size = Array.Find(ChunkSizes, size => size <= rest);
            size = size == 1 && rest > 1 ? ChunkSizes[^2] : size;
            var parameters = new (string Name, object? Value)[size];
            for (var index = 0; index < size; index++)
            {
                parameters[index] = (Names[index], keys[Math.Min(start + index, keys.Count - 1)]);
            }

            await tables.QueryAsync(
                texts[size],
                parameters,
                row =>
                {
                    read(row);
                    return true;
                },
                cancellationToken);
            start += size;
        }
    }
}
