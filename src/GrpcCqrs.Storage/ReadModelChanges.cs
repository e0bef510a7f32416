using System.Runtime.CompilerServices;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Projections;
using GrpcCqrs.Storage.Subscriptions;

namespace GrpcCqrs.Storage;

/// <summary>Reports the event feed as changes of the read model.</summary>
internal sealed class ReadModelChanges(EventFeed feed, ReadModel readModel) : IReadModelChanges
{
    /// <summary>The maximum number of changed streams per report.</summary>
    private const int MaxStreams = 200;

    public async IAsyncEnumerable<ReadModelChange> FollowAsync(
        string category, long after, IReadOnlyCollection<string> projections, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var call = feed.Open();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var messages = feed.SubscribeAsync(after, new FeedFilter([], "", category), ending.Token).GetAsyncEnumerator(ending.Token);
        var streams = new HashSet<StreamId>();
        var position = after;
        Task<bool>? next = null;
        try
        {
            while (true)
            {
                next ??= messages.MoveNextAsync().AsTask();
                if (streams.Count > 0 && (!next.IsCompleted || streams.Count >= MaxStreams))
                {
                    // Report the collected changes before waiting for more.
                    var view = await readModel.ReachAsync(position, projections, cancellationToken);
                    yield return new ReadModelChange(view, position, [.. streams]);
                    streams.Clear();
                    continue;
                }

                if (!await next)
                {
                    yield break;
                }

                next = null;
                switch (messages.Current)
                {
                    case FeedMessage.Events events:
                        position = events.Position;
                        streams.Add(events.All[0].Record.Stream);
                        break;
                    case FeedMessage.Checkpoint checkpoint when streams.Count == 0:
                        position = checkpoint.Position;
                        yield return new ReadModelChange(await readModel.ReachAsync(position, projections, cancellationToken), position, []);
                        break;
                }
            }
        }
        finally
        {
            // An enumerator must not be disposed while MoveNextAsync is running.
            await ending.CancelAsync();
            if (next is not null)
            {
                await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            await messages.DisposeAsync();
        }
    }
}
