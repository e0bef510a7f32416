using System.Collections.Concurrent;
using System.Data.Common;
using System.Globalization;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Projections.Rows;

namespace GrpcCqrs.Storage.Projections.Folds;

/// <summary>Reads states from rows, and writes the difference between the rows of two states.</summary>
internal sealed class RowTable<TState, TItem, TRow> : StreamTable<TState>
    where TState : class
    where TRow : class
{
    /// <summary>The approximate memory of an item besides its values.</summary>
    private const int ItemBytes = 50;

    private readonly Func<TState, IReadOnlyCollection<TItem>> items;
    private readonly Func<string, TItem, TRow> row;
    private readonly Func<TState?, TRow, TState>? read;
    private readonly Func<TState, TState, bool> areSame;
    private readonly string streamColumn;
    private readonly Func<TRow, object?> streamOf;
    private readonly Func<TRow, object?>[] all;
    private readonly Func<TRow, object?>[] keys;
    private readonly (string Name, Func<TRow, object?> Value)[] columns;
    private readonly string[] keyNames;
    private readonly KeyedSelect select;
    private readonly RowChange insert;
    private readonly RowChange delete;
    private readonly string deleteStream;

    /// <summary>The updates, by the set of columns that they change.</summary>
    private readonly ConcurrentDictionary<ulong, RowChange> updates = new();

    public RowTable(
        string name,
        Func<TState, IReadOnlyCollection<TItem>> items,
        Func<string, TItem, TRow> row,
        Func<TState?, TRow, TState>? read,
        Func<TState, TState, bool> areSame)
        : base(name, typeof(TRow))
    {
        (this.items, this.row, this.read, this.areSame) = (items, row, read, areSame);
        var type = RowType<TRow>.Instance;
        streamColumn = Rows.StreamColumn!;
        streamOf = type.ValueOf(streamColumn);
        string[] others = [.. type.Keys.Select(RowType.ColumnOf).Where(key => key != streamColumn)];
        all = [.. type.Columns.Select(type.ValueOf)];
        keys = [.. others.Select(type.ValueOf)];
        keyNames = [streamColumn, .. others];
        columns = [.. type.Columns.Except(keyNames).Select(column => (column, type.ValueOf(column)))];
        ArgumentOutOfRangeException.ThrowIfGreaterThan(columns.Length, 64);
        select = new KeyedSelect($"SELECT {type.SelectList()} FROM {{{name}}}", streamColumn);
        insert = RowChange.Insert(name, [.. type.Columns]);
        delete = RowChange.Delete(name, keyNames);
        deleteStream = $"DELETE FROM {{{name}}} WHERE {streamColumn} = @stream";
    }

    internal override bool IsLoaded => read is not null;

    internal override Task LoadAsync(
        IReadOnlyList<string> ids, Dictionary<string, StreamChange<TState>> streams, IProjectionTables tables, CancellationToken cancellationToken)
    {
        Func<DbDataReader, TRow>? parse = null;
        return select.ReadAsync(
            ids,
            tables,
            reader =>
            {
                var found = (parse ??= reader.GetRowParser<TRow>())(reader);
                var stream = streams[(string)streamOf(found)!];
                stream.After = read!(stream.After, found);
            },
            cancellationToken);
    }

    internal override Task RemoveAsync(string id, IProjectionTables tables, CancellationToken cancellationToken) =>
        tables.ExecuteAsync(deleteStream, [("stream", id)], cancellationToken);

    internal override long BytesOf(string id, TState state)
    {
        var bytes = 0L;
        foreach (var item in items(state))
        {
            bytes += ItemBytes;
            var one = row(id, item);
            foreach (var value in all)
            {
                bytes += value(one) is string text ? 2 * text.Length : sizeof(long);
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
            // At most one row: no key to match by.
            ThrowIfSeveral(before, change.Id);
            ThrowIfSeveral(after, change.Id);
            if (before.Count > 0 && after.Count > 0)
            {
                AddUpdate(change.Id, before.First(), after.First(), updated);
                return;
            }
        }

        var old = new Dictionary<object?[], TItem>(before.Count, ValuesComparer.Instance);
        foreach (var item in before)
        {
            old.Add(KeyOf(row(change.Id, item)), item);
        }

        foreach (var item in after)
        {
            var now = row(change.Id, item);
            if (old.Remove(KeyOf(now), out var was))
            {
                AddUpdate(change.Id, was, item, updated);
            }
            else
            {
                inserted.Add(Array.ConvertAll(all, value => value(now)));
            }
        }

        deleted.AddRange(old.Keys.Select(key => (object?[])[change.Id, .. key]));
    }

    private void AddUpdate(string stream, TItem before, TItem after, Dictionary<ulong, List<object?[]>> updated)
    {
        if (EqualityComparer<TItem>.Default.Equals(before, after))
        {
            return;
        }

        var (was, now) = (row(stream, before), row(stream, after));
        var changed = 0UL;
        var values = new object?[columns.Length];
        var count = 0;
        for (var index = 0; index < columns.Length; index++)
        {
            var value = columns[index].Value(now);
            if (!Equals(columns[index].Value(was), value))
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

        rows.Add([.. values.AsSpan(0, count), stream, .. KeyOf(now)]);
    }

    private RowChange Update(ulong changed) =>
        RowChange.Update(Table.Name, [.. columns.Where((_, index) => (changed & (1UL << index)) != 0).Select(column => column.Name)], keyNames);

    private object?[] KeyOf(TRow one) => keys.Length == 0 ? [] : Array.ConvertAll(keys, key => key(one));

    private void ThrowIfSeveral(IReadOnlyCollection<TItem> rows, string stream)
    {
        if (rows.Count > 1)
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture, $"{Table.Name} has no key beside {streamColumn}, so {stream} can have one row; its state has {rows.Count}."));
        }
    }

    /// <summary>Arrays are equal if their elements are.</summary>
    private sealed class ValuesComparer : IEqualityComparer<object?[]>
    {
        public static readonly ValuesComparer Instance = new();

        public bool Equals(object?[]? x, object?[]? y) => x.AsSpan().SequenceEqual(y);

        /// <summary>The last key distinguishes most rows of a stream.</summary>
        public int GetHashCode(object?[] obj) => obj.Length == 0 ? 0 : obj[^1]?.GetHashCode() ?? 0;
    }
}
