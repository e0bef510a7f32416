using System.Data.Common;

namespace GrpcCqrs.EventSourcing;

/// <summary>
/// Handles the events of a subscription in the service's own process, at least once: sends a mail, calls another
/// service, sends a command. The engine guarantees:
/// <list type="number">
/// <item>Every event that the subscription asks for is handled, or is parked and listed as such. After a crash, events
/// whose handling was not yet recorded are handled again.</item>
/// <item>The next event of a stream is handled only after the previous one has been, or is parked; streams proceed
/// independently.</item>
/// <item>One process at a time handles a subscription's events. Another one takes over when it stops or fails.</item>
/// <item>An event whose handler throws is handled again after a while, up to <c>Feed:MaxFailures</c> times. Then it is
/// parked with its stream, until an operator retries or skips it.</item>
/// </list>
/// A new instance is created for each event, in a dependency injection scope of its own.
/// </summary>
public interface ISubscriptionHandler
{
    /// <summary>Handles one event.</summary>
    /// <param name="envelope">The event in its current schema version, with its position, stream and metadata.</param>
    /// <param name="context">The subscription, and the context of commands that the handler sends.</param>
    /// <param name="cancellationToken">Cancelled when the process stops, or no longer serves the subscription.</param>
    Task HandleAsync(EventEnvelope envelope, SubscriptionContext context, CancellationToken cancellationToken);
}

/// <summary>
/// Handles the events of a subscription exactly once, by writing to the write database: what it writes and that the
/// event is done are committed in one transaction, which also requires that this process still serves the subscription.
/// Otherwise as <see cref="ISubscriptionHandler"/>; a new instance is created for each transaction.
/// </summary>
/// <remarks>
/// The handler writes through the transaction and nowhere else. It must be quick: other writers wait for it on a
/// database with one writer at a time. It cannot send commands, whose events would be committed on their own; a
/// <see cref="ISubscriptionHandler"/> with <see cref="SubscriptionContext.ForCommand"/> does that exactly once.
/// </remarks>
public interface ITransactionalSubscriptionHandler
{
    /// <summary>Handles one event within a transaction. Events of several streams may share the transaction.</summary>
    /// <param name="envelope">The event in its current schema version, with its position, stream and metadata.</param>
    /// <param name="transaction">
    /// The open transaction of the write database; EF Core joins it by <c>UseTransaction</c>, Dapper by its parameter. The
    /// engine commits it or, if the handler throws, rolls it back.
    /// </param>
    /// <param name="cancellationToken">Cancelled when the process stops, or no longer serves the subscription.</param>
    Task HandleAsync(EventEnvelope envelope, DbTransaction transaction, CancellationToken cancellationToken);
}
