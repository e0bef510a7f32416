using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.Projections.Folds;

/// <summary>An aggregate's state, with what the events add that the aggregate does not know.</summary>
/// <param name="State">The state.</param>
/// <param name="Version">The number of its events.</param>
/// <param name="CreateTime">When its first event was appended, in microseconds since 1970 in UTC.</param>
/// <param name="UpdateTime">When its last event was appended, likewise.</param>
public sealed record Folded<TAggregate>(TAggregate State, long Version, long CreateTime, long UpdateTime);

/// <summary>
/// A projection that folds with the aggregate's own <see cref="IAggregate{TSelf, TEvent}.Apply"/>. It only says which rows a state
/// means.
/// </summary>
/// <typeparam name="TAggregate">The aggregate.</typeparam>
/// <typeparam name="TEvent">The base type of its events.</typeparam>
/// <param name="rows">The tables with the streams' own rows, one at least. Together they hold all of the state that the rows need.</param>
/// <param name="counts">The tables with sums over streams.</param>
public abstract class AggregateProjection<TAggregate, TEvent>(
    IReadOnlyList<StreamTable<Folded<TAggregate>>> rows, params IReadOnlyList<CountTable<Folded<TAggregate>>> counts)
    : FoldProjection<Folded<TAggregate>>(rows, counts)
    where TAggregate : class, IAggregate<TAggregate, TEvent>
    where TEvent : class
{
    /// <inheritdoc/>
    public sealed override string Category => TAggregate.Category;

    /// <inheritdoc/>
    public override IReadOnlyCollection<Type> Handles { get; } = [typeof(TEvent)];

    /// <inheritdoc/>
    protected sealed override Folded<TAggregate>? Apply(Folded<TAggregate>? state, EventEnvelope envelope)
    {
        var (record, time) = (envelope.Record, UnixMicroseconds.From(envelope.Record.Time));
        var after = (state?.State ?? TAggregate.Initial(record.Stream.Id)).Apply((TEvent)envelope.Event);
        return HasRows(after) ? new Folded<TAggregate>(after, record.Version, state?.CreateTime ?? time, time) : null;
    }

    /// <summary>Whether a state has rows. Default: always. Return false for one that was deleted: its rows are removed.</summary>
    protected virtual bool HasRows(TAggregate state) => true;
}
