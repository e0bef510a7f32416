namespace GrpcCqrs.EventSourcing;

/// <summary>
/// The state of one aggregate: immutable, and a pure function of the events of its stream. An implementing record reads
/// top-down: state, <see cref="Apply"/>, decisions. Decisions are methods that return the events to append, an empty
/// list if nothing would change, or throw <see cref="RejectedException"/>.
/// </summary>
/// <remarks>This is Jérémie Chassaing's Decider: initial state, evolve, decide.</remarks>
/// <typeparam name="TSelf">The record itself.</typeparam>
/// <typeparam name="TEvent">The base type of the aggregate's events.</typeparam>
public interface IAggregate<TSelf, TEvent>
    where TSelf : class, IAggregate<TSelf, TEvent>
    where TEvent : class
{
    /// <summary>
    /// The first part of the stream's name, such as <c>post</c>. A storage contract: never change it.
    /// </summary>
    static abstract string Category { get; }

    /// <summary>The state before the first event.</summary>
    /// <param name="id">The aggregate's id, the second part of the stream's name.</param>
    static abstract TSelf Initial(string id);

    /// <summary>
    /// The state after one more event. Must not fail: the event has already happened. Only an event type without a case
    /// throws, so that the tests find it; <c>_ => this</c> would silently ignore a new event.
    /// </summary>
    TSelf Apply(TEvent @event);

    /// <summary>
    /// The keys that this aggregate holds exclusively, such as a slug. The write path claims and releases them in the
    /// transaction that appends the events, so exactly one of two racing commands gets a key. Empty by default.
    /// </summary>
    IReadOnlyCollection<UniqueKey> UniqueKeys => [];

    /// <summary>The approximate size of the state in bytes, which bounds the state cache. 1,000 by default.</summary>
    long ApproximateBytes => 1_000;
}

/// <summary>A key that at most one live stream of the store may hold.</summary>
/// <param name="Scope">The kind of key, such as <c>blog.slug</c>; 1-50 characters.</param>
/// <param name="Value">The key, compared byte for byte; 1-200 characters.</param>
public readonly record struct UniqueKey(string Scope, string Value);

/// <summary>Folds events into states.</summary>
public static class AggregateFold
{
    /// <summary>The state after the given events, applied in order.</summary>
    public static TAggregate Fold<TAggregate, TEvent>(this TAggregate state, IEnumerable<TEvent> events)
        where TAggregate : class, IAggregate<TAggregate, TEvent>
        where TEvent : class
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(events);
        foreach (var @event in events)
        {
            state = state.Apply(@event);
        }

        return state;
    }
}
