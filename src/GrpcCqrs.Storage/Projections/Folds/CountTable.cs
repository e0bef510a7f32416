using System.Data.Common;
using System.Globalization;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>What one stream adds to one row of a <see cref="CountTable{TState}"/>.</summary>
/// <param name="Key">The row, by its key; a text or an integer, of one type throughout the table.</param>
/// <param name="Counts">What it adds to each count, in the order of the table's columns.</param>
public readonly record struct Contribution(object Key, params long[] Counts);

/// <summary>
/// A table of a <see cref="FoldProjection{TState}"/> whose rows are sums over streams, such as posts by tag. A batch adds what the
/// streams that it touches contribute now less what they did before, in one write a row. A row exists as long as any of its counts
/// is not 0, so that the table says the same as if streams that contribute nothing had never been.
/// </summary>
/// <typeparam name="TState">What is known of one stream.</typeparam>
public sealed class CountTable<TState>
    where TState : class
{
    private readonly string[] counts;
    private readonly Func<TState, IEnumerable<Contribution>> contributions;
    private readonly KeyedSelect select;
    private readonly RowChange insert;
    private readonly RowChange update;
    private readonly RowChange delete;

    /// <summary>
    /// A table of sums. In words: <c>topics</c> with the key <c>topic</c> and the counts <c>book_count</c> and <c>in_print_count</c>; a
    /// book in print contributes 1 and 1 to each of its topics, one out of print 1 and 0.
    /// </summary>
    /// <param name="name">The table.</param>
    /// <param name="key">Its key column.</param>
    /// <param name="counts">Its other columns, 64-bit integers all.</param>
    /// <param name="contributions">What a state adds to which rows; a row may be named more than once. Pure.</param>
    public CountTable(string name, string key, IReadOnlyList<string> counts, Func<TState, IEnumerable<Contribution>> contributions)
    {
        this.counts = [.. counts];
        this.contributions = contributions;
        Name = name;
        string[] names = [key, .. counts];
        Rows = new ProjectedRows(name, $"SELECT {string.Join(", ", names)} FROM {{{name}}}");
        select = new KeyedSelect($"SELECT {string.Join(", ", names)} FROM {{{name}}}", key);
        insert = RowChange.Insert(name, names);
        update = RowChange.Update(name, this.counts, [key]);
        delete = RowChange.Delete(name, [key]);
    }

    /// <summary>The table's name.</summary>
    public string Name { get; }

    /// <summary>What the table says.</summary>
    public ProjectedRows Rows { get; }

    internal async Task WriteAsync(IReadOnlyList<StreamChange<TState>> changes, IProjectionTables tables, CancellationToken cancellationToken)
    {
        var deltas = new Dictionary<object, long[]>();
        foreach (var change in changes)
        {
            Add(change.Before, -1, deltas);
            Add(change.After, 1, deltas);
        }

        object[] keys = [.. deltas.Where(delta => Array.Exists(delta.Value, count => count != 0)).Select(delta => delta.Key)];
        var stored = new Dictionary<object, long[]>();
        await select.ReadAsync(
            keys,
            tables,
            row => stored[KeyLike(keys[0], row)] = Array.ConvertAll(counts, count => Convert.ToInt64(row.GetValue(1 + Array.IndexOf(counts, count)), CultureInfo.InvariantCulture)),
            cancellationToken);
        var (inserted, updated, deleted) = (new List<object?[]>(), new List<object?[]>(), new List<object?[]>());
        foreach (var key in keys)
        {
            var isStored = stored.TryGetValue(key, out var sums);
            sums ??= new long[counts.Length];
            for (var index = 0; index < counts.Length; index++)
            {
                sums[index] += deltas[key][index];
            }

            if (!Array.Exists(sums, sum => sum != 0))
            {
                deleted.Add([key]);
            }
            else
            {
                (isStored ? updated : inserted).Add(isStored ? [.. sums, key] : [key, .. sums]);
            }
        }

        await tables.ChangeManyAsync(delete, deleted, cancellationToken);
        await tables.ChangeManyAsync(update, updated, cancellationToken);
        await tables.ChangeManyAsync(insert, inserted, cancellationToken);
    }

    /// <summary>A stored key as the type that contributions name it by: databases return integers in other widths.</summary>
    private static object KeyLike(object key, DbDataReader row) => key switch
    {
        string => row.GetString(0),
        int => row.GetInt32(0),
        long => row.GetInt64(0),
        _ => Convert.ChangeType(row.GetValue(0), key.GetType(), CultureInfo.InvariantCulture),
    };

    private void Add(TState? state, int sign, Dictionary<object, long[]> deltas)
    {
        if (state is null)
        {
            return;
        }

        foreach (var (key, added) in contributions(state))
        {
            if (added.Length != counts.Length)
            {
                throw new InvalidOperationException(string.Create(
                    CultureInfo.InvariantCulture, $"{Name} has {counts.Length} counts; a contribution to {key} has {added.Length}."));
            }

            if (!deltas.TryGetValue(key, out var sums))
            {
                deltas.Add(key, sums = new long[counts.Length]);
            }

            for (var index = 0; index < sums.Length; index++)
            {
                sums[index] += sign * added[index];
            }
        }
    }
}
