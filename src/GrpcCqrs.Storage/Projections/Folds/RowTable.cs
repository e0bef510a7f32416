using System.Data.Common;
using System.Globalization;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>Writes the rows that states consist of, by difference.</summary>
internal sealed class RowTable<TState, TItem> : StreamTable<TState>
    where TState : class
{
    /// <summary>About what an item takes beside its values.</summary>
    private const int ItemBytes = 50;

    private readonly string streamColumn;
    private readonly Column<TItem>[] keys;
    private readonly Column<TItem>[] columns;
    private readonly Func<TState, IReadOnlyCollection<TItem>> items;
    private readonly Func<TState, TState, bool> areSame;
    private readonly string[] keyNames;
    private readonly RowChange insert;
    private readonly RowChange delete;

    /// <summary>The updates, by the set of columns that they change.</summary>
    private readonly System.Collections.Concurrent.ConcurrentDictionary<ulong, RowChange> updates = new();

    public RowTable(
        string name,
        string streamColumn,
        Func<TState?, DbDataReader, TState>? read,
        IReadOnlyList<Column<TItem>> keys,
        IReadOnlyList<Column<TItem>> columns,
        Func<TState, IReadOnlyCollection<TItem>> items,
        Func<TState, TState, bool> areSame)
        : base(name, streamColumn, [.. keys.Concat(columns).Select(column => column.Name)], read)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(columns.Count, 64);
        this.streamColumn = streamColumn;
        this.keys = [.. keys];
        this.columns = [.. columns];
        this.items = items;
        this.areSame = areSame;
        keyNames = [streamColumn, .. keys.Select(key => key.Name)];
        insert = RowChange.Insert(name, [.. keyNames, .. columns.Select(column => column.Name)]);
        delete = RowChange.Delete(name, keyNames);
    }

    internal override long BytesOf(TState state)
    {
        var bytes = 0L;
        foreach (var item in items(state))
        {
            bytes += ItemBytes;
            foreach (var column in keys.Concat(columns))
            {
                bytes += column.Value(item) is string text ? 2 * text.Length : sizeof(long);
            }
        }

        return bytes;
    }

    internal override async Task WriteAsync(IReadOnlyList<StreamChange<TState>> changes, IProjectionTables tables, CancellationToken cancellationToken)
    {
        var (inserted, deleted, updated) = (new List<object?[]>(), new List<object?[]>(), new Dictionary<ulong, List<object?[]>>());
        foreach (var change in changes)
        {
            if (change is not { Before: { } before, After: { } after } || !areSame(before, after))
            {
                Compare(change, inserted, deleted, updated);
            }
        }

        await tables.ChangeManyAsync(delete, deleted, cancellationToken);
        foreach (var (changed, rows) in updated)
        {
            await tables.ChangeManyAsync(updates.GetOrAdd(changed, Update), rows, cancellationToken);
        }

        await tables.ChangeManyAsync(insert, inserted, cancellationToken);
    }

    private void Compare(StreamChange<TState> change, List<object?[]> inserted, List<object?[]> deleted, Dictionary<ulong, List<object?[]>> updated)
    {
        var before = change.Before is null ? [] : items(change.Before);
        var after = change.After is null ? [] : items(change.After);
        if (keys.Length == 0)
        {
            // One row at most: nothing to look up.
            ThrowIfSeveral(before, change.Id);
            ThrowIfSeveral(after, change.Id);
            if (before.Count > 0 && after.Count > 0)
            {
                AddUpdate(change.Id, before.First(), after.First(), [], updated);
                return;
            }
        }

        var old = new Dictionary<object?[], TItem>(before.Count, ValuesComparer.Instance);
        foreach (var item in before)
        {
            old.Add(KeyOf(item), item);
        }

        foreach (var item in after)
        {
            var key = KeyOf(item);
            if (old.Remove(key, out var was))
            {
                AddUpdate(change.Id, was, item, key, updated);
            }
            else
            {
                inserted.Add([change.Id, .. key, .. columns.Select(column => column.Value(item))]);
            }
        }

        deleted.AddRange(old.Keys.Select(key => (object?[])[change.Id, .. key]));
    }

    private void AddUpdate(string stream, TItem before, TItem after, object?[] key, Dictionary<ulong, List<object?[]>> updated)
    {
        if (EqualityComparer<TItem>.Default.Equals(before, after))
        {
            return;
        }

        var changed = 0UL;
        var values = new object?[columns.Length];
        var count = 0;
        for (var index = 0; index < columns.Length; index++)
        {
            var value = columns[index].Value(after);
            if (!Equals(columns[index].Value(before), value))
            {
                changed |= 1UL << index;
                values[count++] = value;
            }
        }

        if (changed == 0)
        {
            return;
        }

        if (!updated.TryGetValue(changed, out var rows))
        {
            updated.Add(changed, rows = []);
        }

        rows.Add([.. values.AsSpan(0, count), stream, .. key]);
    }

    private RowChange Update(ulong changed) =>
        RowChange.Update(Name, [.. columns.Where((_, index) => (changed & (1UL << index)) != 0).Select(column => column.Name)], keyNames);

    private object?[] KeyOf(TItem item) => keys.Length == 0 ? [] : Array.ConvertAll(keys, key => key.Value(item));

    private void ThrowIfSeveral(IReadOnlyCollection<TItem> rows, string stream)
    {
        if (rows.Count > 1)
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture, $"{Name} has no key beside {streamColumn}, so {stream} can have one row; the state says {rows.Count}."));
        }
    }

    /// <summary>Arrays are alike where their elements are.</summary>
    private sealed class ValuesComparer : IEqualityComparer<object?[]>
    {
        public static readonly ValuesComparer Instance = new();

        public bool Equals(object?[]? x, object?[]? y) => x.AsSpan().SequenceEqual(y);

        /// <summary>The last key tells most rows of a stream apart.</summary>
        public int GetHashCode(object?[] obj) => obj.Length == 0 ? 0 : obj[^1]?.GetHashCode() ?? 0;
    }
}
