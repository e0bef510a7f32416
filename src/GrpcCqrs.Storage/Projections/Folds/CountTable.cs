using System.Data.Common;
using System.Globalization;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Projections.Rows;

namespace GrpcCqrs.Storage.Projections.Folds;

/// <summary>
/// A table of a <see cref="FoldProjection{TState}"/> whose rows are sums over streams, such as posts by tag. A batch
/// adds the current contributions of the streams that it touches minus their previous ones, with one write for each
/// row. A row exists while any of its counts is not 0. Created by <see cref="CountTable{TState, TRow}"/>.
/// </summary>
/// <typeparam name="TState">The state of one stream.</typeparam>
public abstract class CountTable<TState>
    where TState : class
{
    private protected CountTable(string name, Type row)
    {
        Table = new ProjectionTable(name, row);
        Rows = new ProjectedRows(name, $"SELECT {string.Join(", ", RowType.Of(row).Columns)} FROM {{{name}}}");
    }

    /// <summary>The table.</summary>
    public ProjectionTable Table { get; }

    /// <summary>The rows, for comparisons and reports.</summary>
    public ProjectedRows Rows { get; }

    internal abstract Task WriteAsync(IReadOnlyList<StreamChange<TState>> changes, IProjectionTables tables, CancellationToken cancellationToken);
}

/// <summary>A table of sums.</summary>
/// <typeparam name="TState">The state of one stream.</typeparam>
/// <typeparam name="TRow">The row class: one key column, and the counts, all 64-bit integers.</typeparam>
public sealed class CountTable<TState, TRow> : CountTable<TState>
    where TState : class
    where TRow : class
{
    private readonly Func<TState, IEnumerable<TRow>> contributions;
    private readonly Func<TRow, object?> keyOf;
    private readonly Func<TRow, object?>[] counts;
    private readonly KeyedSelect select;
    private readonly RowChange insert;
    private readonly RowChange update;
    private readonly RowChange delete;

    /// <summary>
    /// A table of sums. For example, a row of <c>topics</c> has the key <c>Topic</c> and the counts <c>BookCount</c>
    /// and <c>InPrintCount</c>. A book in print contributes a row with 1 and 1 to each of its topics, one out of print
    /// 1 and 0.
    /// </summary>
    /// <param name="name">The table.</param>
    /// <param name="contributions">
    /// The rows that a state contributes; a key may occur more than once. Must be pure.
    /// </param>
    /// <exception cref="InvalidOperationException">The row class has more than one key column.</exception>
    public CountTable(string name, Func<TState, IEnumerable<TRow>> contributions)
        : base(name, typeof(TRow))
    {
        this.contributions = contributions;
        var type = RowType<TRow>.Instance;
        if (type.Keys.Count != 1)
        {
            throw new InvalidOperationException($"The rows of {name} have {type.Keys.Count} key columns; a table of sums has one.");
        }

        var key = RowType.ColumnOf(type.Keys[0]);
        string[] sums = [.. type.Columns.Where(column => column != key)];
        keyOf = type.ValueOf(key);
        counts = [.. sums.Select(type.ValueOf)];
        select = new KeyedSelect($"SELECT {type.SelectList()} FROM {{{name}}}", key);
        insert = RowChange.Insert(name, [key, .. sums]);
        update = RowChange.Update(name, sums, [key]);
        delete = RowChange.Delete(name, [key]);
    }

    internal override async Task WriteAsync(IReadOnlyList<StreamChange<TState>> changes, IProjectionTables tables, CancellationToken cancellationToken)
    {
        var deltas = new Dictionary<object, long[]>();
        foreach (var change in changes)
        {
            Add(change.Before, -1, deltas);
            Add(change.After, 1, deltas);
        }

        object[] keys = [.. deltas.Where(delta => Array.Exists(delta.Value, count => count != 0)).Select(delta => delta.Key)];
        var stored = new Dictionary<object, long[]>();
        Func<DbDataReader, TRow>? parse = null;
        await select.ReadAsync(
            keys,
            tables,
            reader =>
            {
                var row = (parse ??= reader.GetRowParser<TRow>())(reader);
                stored[keyOf(row)!] = CountsOf(row);
            },
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

    private long[] CountsOf(TRow row) => Array.ConvertAll(counts, count => Convert.ToInt64(count(row), CultureInfo.InvariantCulture));

    private void Add(TState? state, int sign, Dictionary<object, long[]> deltas)
    {
        foreach (var row in state is null ? [] : contributions(state))
        {
            var key = keyOf(row)!;
            if (!deltas.TryGetValue(key, out var sums))
            {
                deltas.Add(key, sums = new long[counts.Length]);
            }

            for (var index = 0; index < sums.Length; index++)
            {
                sums[index] += sign * Convert.ToInt64(counts[index](row), CultureInfo.InvariantCulture);
            }
        }
    }
}
