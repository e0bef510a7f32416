namespace GrpcCqrs.EventSourcing;

/// <summary>
/// A command that is decided by a single aggregate: it names the aggregate and decides on its state. It needs no
/// handler class; <see cref="EngineServices.AddDecisions"/> registers it. A command that does more has an
/// <see cref="ICommandHandler{TCommand}"/>.
/// </summary>
/// <typeparam name="TAggregate">The aggregate.</typeparam>
/// <typeparam name="TEvent">The base type of its events.</typeparam>
public interface IDecision<TAggregate, TEvent>
    where TAggregate : class, IAggregate<TAggregate, TEvent>
    where TEvent : class
{
    /// <summary>The aggregate's id in its canonical form. Read after the command was validated.</summary>
    string AggregateId { get; }

    /// <summary>
    /// Decides on the state. It is called again on a newer state after a conflict, so it must be a pure function of the
    /// state.
    /// </summary>
    /// <param name="aggregate">The state.</param>
    /// <returns>The events to append; none if nothing would change.</returns>
    /// <exception cref="RejectedException">The state does not allow the command.</exception>
    IReadOnlyList<TEvent> Decide(TAggregate aggregate);
}

/// <summary>Handles every <see cref="IDecision{TAggregate, TEvent}"/>.</summary>
internal sealed class DecisionHandler<TCommand, TAggregate, TEvent>(AggregateStore<TAggregate, TEvent> store) : ICommandHandler<TCommand>
    where TCommand : class, IDecision<TAggregate, TEvent>
    where TAggregate : class, IAggregate<TAggregate, TEvent>
    where TEvent : class
{
    public ValueTask<CommandResult> HandleAsync(TCommand command, CommandContext context, CancellationToken cancellationToken) =>
        store.UpdateAsync(command.AggregateId, context, command.Decide, cancellationToken);
}
