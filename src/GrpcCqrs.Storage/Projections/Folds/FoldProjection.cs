using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage.Projections.Folds;

/// <summary>
/// A projection written as a pure fold: each stream has a state, events change it, and tables are derived from the
/// states. A batch loads the states of the streams that it touches, folds all their events in memory, and writes each
/// changed row once.
/// <para>
/// Example: a list of books with their authors' totals. The state is a record with title, author and price. A
/// <see cref="StreamTable{TState}"/> <c>books</c> has a row for each book with these columns. A
/// <see cref="CountTable{TState}"/> <c>authors</c> has a row for each author, to which each book adds 1 and its price.
/// <see cref="Apply"/> creates the record on "book added", changes the price on "price changed", and returns null on
/// "book withdrawn": the row in <c>books</c> is then deleted, and the author's totals are reduced by what the book had
/// added.
/// </para>
/// <para>
/// All its streams are of one category, since rows are keyed by <see cref="StreamId.Id"/> alone. Every fold can remove
/// and refold a single stream without further code.
/// </para>
/// </summary>
/// <typeparam name="TState">
/// The state of one stream. Immutable. If an event does not change it, return the same instance: no row is then
/// written.
/// </typeparam>
public abstract class FoldProjection<TState> : IStreamProjection
    where TState : class
{
    private readonly StreamTable<TState>[] rows;
    private readonly CountTable<TState>[] counts;

    /// <summary>A projection into these tables.</summary>
    /// <param name="rows">
    /// The tables with the streams' own rows, at least one; together they must hold the whole state.
    /// </param>
    /// <param name="counts">The tables with sums over streams.</param>
    /// <exception cref="ArgumentException">No table of rows can be loaded, so states would be lost.</exception>
    protected FoldProjection(IReadOnlyList<StreamTable<TState>> rows, params IReadOnlyList<CountTable<TState>> counts)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(counts);
        this.rows = [.. rows];
        this.counts = [.. counts];
        if (!Array.Exists(this.rows, table => table.IsLoaded))
        {
            throw new ArgumentException("At least one table of rows must be one that states are read from.", nameof(rows));
        }

        Tables = [.. this.rows.Select(table => table.Table), .. this.counts.Select(table => table.Table)];
        Rows = [.. this.rows.Select(table => table.Rows), .. this.counts.Select(table => table.Rows)];
    }

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract int Version { get; }

    /// <summary>The category of the streams that it folds. Rows are keyed by <see cref="StreamId.Id"/> alone.</summary>
    public abstract string Category { get; }

    /// <inheritdoc/>
    string? IProjection.Category => Category;

    /// <inheritdoc/>
    public abstract IReadOnlyCollection<Type> Handles { get; }

    /// <inheritdoc/>
    public IReadOnlyList<ProjectionTable> Tables { get; }

    /// <inheritdoc/>
    public IReadOnlyList<ProjectedRows> Rows { get; }

    /// <inheritdoc/>
    public IProjectionBatch Begin() => new FoldBatch<TState>(rows, counts, Apply);

    /// <inheritdoc/>
    public async Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, IProjectionTables tables, CancellationToken cancellationToken)
    {
        var fold = Begin();
        await fold.AddAsync(batch, tables, cancellationToken);
        await fold.WriteAsync(tables, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task RemoveAsync(StreamId stream, IProjectionTables tables, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tables);
        var change = new StreamChange<TState>(stream.Id);
        if (counts.Length > 0)
        {
            await FoldBatch<TState>.LoadAsync(
                rows, [stream.Id], new Dictionary<string, StreamChange<TState>>(StringComparer.Ordinal) { [stream.Id] = change }, tables, cancellationToken);
            change.After = null;
            foreach (var table in counts)
            {
                await table.WriteAsync([change], tables, cancellationToken);
            }
        }

        foreach (var table in rows)
        {
            // Unconditionally, so that rows left by a bug are removed too.
            await table.RemoveAsync(stream.Id, tables, cancellationToken);
        }
    }

    /// <summary>
    /// Applies an event to a stream's state. Must be pure: depends only on its arguments and has no side effects.
    /// </summary>
    /// <param name="state">The state before; null if the stream has none.</param>
    /// <param name="envelope">The event.</param>
    /// <returns>The state after; null if the stream should have no rows.</returns>
    protected abstract TState? Apply(TState? state, EventEnvelope envelope);
}
