using System.Data.Common;

namespace GrpcCqrs.EventSourcing;

/// <summary>
/// Keeps some tables of the read database equal to a fold of the events. What the runner promises:
/// <list type="number">
/// <item>Batches come in order of position, without gaps; events of types that are not in <see cref="Handles"/> are left out.</item>
/// <item>A batch's writes and the projection's checkpoint are committed in one transaction, so each event takes effect exactly
/// once.</item>
/// <item>A batch that throws is rolled back as a whole and given again later, then perhaps cut differently.</item>
/// </list>
/// What a projection promises: it writes only to its own <see cref="Tables"/>, reads nothing else, and depends on nothing but
/// the events and those tables.
/// </summary>
public interface IProjection
{
    /// <summary>The projection's name, stored with its checkpoint: never change it.</summary>
    string Name { get; }

    /// <summary>
    /// The version of its logic, from 1. When it is raised, the runner empties the tables and folds all events anew.
    /// </summary>
    int Version { get; }

    /// <summary>The tables that only this projection writes.</summary>
    IReadOnlyList<string> Tables { get; }

    /// <summary>The event types (or base types of them) that it wants to see.</summary>
    IReadOnlyCollection<Type> Handles { get; }

    /// <summary>Applies a batch.</summary>
    /// <param name="batch">The events, in order of position.</param>
    /// <param name="transaction">The open transaction on the read database; neither to be committed nor rolled back.</param>
    /// <param name="cancellationToken">Ends the work; the batch is then rolled back.</param>
    Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, DbTransaction transaction, CancellationToken cancellationToken);
}
