using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Testing;

/// <summary>
/// Given-when-then specs for one aggregate: given these events, when this is decided, then these events follow.
/// <code>
/// Spec.For&lt;Post, PostEvent&gt;(id)
///     .Given(new PostCreated("Old title", "", "old-title", "Ada", []))
///     .When(post => post.ChangeTitle("New title"))
///     .Then(new PostTitleUpdated("New title"));
/// </code>
/// </summary>
public static class Spec
{
    /// <summary>Starts a spec for an aggregate without events.</summary>
    /// <param name="id">The aggregate's id.</param>
    public static AggregateSpec<TAggregate, TEvent> For<TAggregate, TEvent>(string id)
        where TAggregate : class, IAggregate<TAggregate, TEvent>
        where TEvent : class => new(TAggregate.Initial(id));
}

/// <summary>The history of the aggregate so far. Immutable, so that several specs can start from one.</summary>
/// <typeparam name="TAggregate">The aggregate.</typeparam>
/// <typeparam name="TEvent">The base type of its events.</typeparam>
public sealed class AggregateSpec<TAggregate, TEvent>
    where TAggregate : class, IAggregate<TAggregate, TEvent>
    where TEvent : class
{
    internal AggregateSpec(TAggregate state) => State = state;

    /// <summary>The aggregate after the given events.</summary>
    public TAggregate State { get; }

    /// <summary>The same with further events.</summary>
    public AggregateSpec<TAggregate, TEvent> Given(params IEnumerable<TEvent> events) => new(State.Fold(events));

    /// <summary>
    /// Decides on the state. A rejection is kept for <c>ThenRejected</c>; any other exception propagates.
    /// </summary>
    /// <param name="decide">A decision of the aggregate.</param>
    public AggregateOutcome<TAggregate, TEvent> When(Func<TAggregate, IReadOnlyList<TEvent>> decide)
    {
        ArgumentNullException.ThrowIfNull(decide);
        try
        {
            var events = decide(State);
            return new AggregateOutcome<TAggregate, TEvent>(State.Fold(events), events, null);
        }
        catch (RejectedException rejection)
        {
            return new AggregateOutcome<TAggregate, TEvent>(State, [], rejection);
        }
    }
}

/// <summary>The outcome of a decision.</summary>
/// <typeparam name="TAggregate">The aggregate.</typeparam>
/// <typeparam name="TEvent">The base type of its events.</typeparam>
public sealed class AggregateOutcome<TAggregate, TEvent>
    where TAggregate : class, IAggregate<TAggregate, TEvent>
    where TEvent : class
{
    private readonly RejectedException? rejection;

    internal AggregateOutcome(TAggregate state, IReadOnlyList<TEvent> events, RejectedException? rejection)
    {
        State = state;
        Events = events;
        this.rejection = rejection;
    }

    /// <summary>The aggregate after the decision's events; unchanged if the decision was rejected.</summary>
    public TAggregate State { get; }

    /// <summary>The decision's events; none if it was rejected.</summary>
    public IReadOnlyList<TEvent> Events { get; }

    /// <summary>
    /// Requires exactly these events, in this order. Events are compared by their type and their JSON, so that two
    /// lists with the same elements are equal.
    /// </summary>
    /// <exception cref="SpecFailedException">Other events followed, or the decision was rejected.</exception>
    public AggregateOutcome<TAggregate, TEvent> Then(params IReadOnlyList<TEvent> expected)
    {
        if (rejection is not null)
        {
            throw new SpecFailedException($"Expected {EventText.Count(expected.Count)}, but the decision was refused: {Describe(rejection)}", rejection);
        }

        if (EventText.Difference(expected, Events) is { } difference)
        {
            throw new SpecFailedException(
                $"Expected {EventText.Count(expected.Count)}, got {EventText.Count(Events.Count)} (- expected, + got):{Environment.NewLine}{difference}");
        }

        return this;
    }

    /// <summary>Requires that the decision was accepted and changes nothing.</summary>
    /// <exception cref="SpecFailedException">Events followed, or the decision was rejected.</exception>
    public AggregateOutcome<TAggregate, TEvent> ThenNothing() => Then();

    /// <summary>Requires a rejection.</summary>
    /// <param name="code">The row of the error table.</param>
    /// <param name="field">The field that must be named as invalid; null for any or none.</param>
    /// <exception cref="SpecFailedException">The decision was accepted, or rejected for another reason.</exception>
    public AggregateOutcome<TAggregate, TEvent> ThenRejected(ErrorCode code, string? field = null)
    {
        ArgumentNullException.ThrowIfNull(code);
        var expected = field is null ? code.Reason : $"{code.Reason} on the field {field}";
        if (rejection is null)
        {
            throw new SpecFailedException(
                $"Expected the refusal {expected}, got {EventText.Count(Events.Count)}:{Environment.NewLine}{EventText.Difference([], Events)}");
        }

        var isExpected = rejection.Code == code
            && (field is null || rejection.Fields.Any(violation => string.Equals(violation.Field, field, StringComparison.Ordinal)));
        return isExpected
            ? this
            : throw new SpecFailedException($"Expected the refusal {expected}, got {Describe(rejection)}", rejection);
    }

    private static string Describe(RejectedException rejection) => $"{rejection.Code.Reason}, {rejection.Message}";
}

/// <summary>A spec failed; the message says what was expected and what happened instead.</summary>
public sealed class SpecFailedException(string message, Exception? innerException = null) : Exception(message, innerException);
