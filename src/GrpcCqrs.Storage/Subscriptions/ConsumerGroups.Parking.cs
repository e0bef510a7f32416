using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Readers;

namespace GrpcCqrs.Storage.Subscriptions;

/// <content>What operators do with parked events.</content>
internal sealed partial class ConsumerGroups
{
    /// <summary>
    /// Parked events of groups by position and group. Events parked within the last fraction of a second may be missing.
    /// </summary>
    /// <param name="name">The group; empty for all.</param>
    /// <param name="after">The last event seen and its group; a position of 0 to begin.</param>
    /// <param name="count">The most events to return.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <exception cref="RejectedException"><see cref="FeedErrors.GroupNotFound"/>.</exception>
    public async Task<IReadOnlyList<ParkedEvent>> ListParkedAsync(
        string name, (long Position, string Name) after, int count, CancellationToken cancellationToken)
    {
        await RequireAsync(name, cancellationToken);
        return await store.ReadParkedAsync(name, after, count, cancellationToken);
    }

    /// <summary>The skipped events of all groups, ordered by position.</summary>
    public async Task<IReadOnlyList<SkippedEvent>> ListSkippedAsync(CancellationToken cancellationToken) => await store.ReadSkippedAsync(cancellationToken);

    /// <summary>
    /// Redelivers the parked events of a stream, or of all streams, in order, and returns their number. Any process
    /// accepts it; one that does not serve the group leaves a mark, which is noticed when the lease is renewed.
    /// </summary>
    /// <exception cref="RejectedException">
    /// <see cref="FeedErrors.GroupNotFound"/>, or <see cref="EngineErrors.NothingParked"/> of a stream.
    /// </exception>
    public async Task<long> RetryParkedAsync(string name, string? stream, CancellationToken cancellationToken)
    {
        await RequireAsync(name, cancellationToken);
        await ReconcileAsync(name);
        var count = 0L;
        var streams = stream is null ? (await store.ReadParkedStreamsAsync(name, cancellationToken)).Select(parked => parked.Stream) : [stream];
        foreach (var each in streams)
        {
            count += await store.MarkRetryAsync(name, each, cancellationToken);
        }

        if (count == 0 && stream is not null)
        {
            throw NotParked(name, $"The consumer group {name} has parked no event of {stream}.");
        }

        await ReconcileAsync(name);
        return count;
    }

    /// <summary>
    /// Skips the first parked event of its stream for good; the others are delivered again. Repeating it has no further
    /// effect. Any process accepts it.
    /// </summary>
    /// <param name="name">The group.</param>
    /// <param name="position">The event's position.</param>
    /// <param name="user">The user who skips it; recorded with the time.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <exception cref="RejectedException">
    /// <see cref="FeedErrors.GroupNotFound"/>, <see cref="EngineErrors.NothingParked"/>,
    /// <see cref="FeedErrors.ParkedRetrying"/>.
    /// </exception>
    public async Task SkipParkedAsync(string name, long position, string user, CancellationToken cancellationToken)
    {
        await RequireAsync(name, cancellationToken);
        await ReconcileAsync(name);
        switch (await store.SkipAsync(name, position, user, cancellationToken))
        {
            case null:
                throw NotParked(name, $"Event {position} is not parked in the consumer group {name}.");
            case false:
                throw new RejectedException(FeedErrors.ParkedRetrying, $"Event {position} is not the first parked one of its stream, or is being delivered again.")
                {
                    Subject = $"consumerGroups/{name}",
                };
        }

        await ReconcileAsync(name);
    }

    /// <summary>Rejects unless the group exists. An empty name stands for all groups.</summary>
    private async Task RequireAsync(string name, CancellationToken cancellationToken)
    {
        if (name.Length > 0 && await store.FindAsync(name, cancellationToken) is null)
        {
            throw NotFound(name);
        }
    }

    /// <summary>
    /// Has a group that this process serves write its latest changes, and take over what was changed in the database.
    /// </summary>
    private async Task ReconcileAsync(string name)
    {
        try
        {
            if (running.TryGetValue(name, out var group) && !group.IsEnded)
            {
                await group.ReconcileAsync();
            }
        }
        catch (RejectedException)
        {
            // Another process has taken the group over. It notices the change by itself.
        }
    }

    private static RejectedException NotParked(string name, string message) =>
        new(EngineErrors.NothingParked, message) { Subject = $"consumerGroups/{name}" };
}
