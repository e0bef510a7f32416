using Grpc.Core;
using GrpcCqrs.Storage.Subscriptions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Hosting;

/// <summary>
/// Sends the items of a server stream at the client's pace. A client that reads nothing for
/// <c>Feed:SlowConsumerTimeout</c> is disconnected, and a stop of the service ends the call; both errors carry the
/// position to resume after.
/// </summary>
public sealed class StreamWriters(IOptions<FeedOptions> options, TimeProvider clock, IHostApplicationLifetime lifetime)
{
    /// <summary>Sends all items until there are no more or the call ends.</summary>
    /// <param name="items">Starts the items; its token ends them.</param>
    /// <param name="toProto">Converts an item to a message.</param>
    /// <param name="resumeAfter">The position to resume after once the client has received the item.</param>
    /// <param name="stream">The call's stream.</param>
    /// <param name="call">The call.</param>
    /// <exception cref="EventSourcing.RejectedException">
    /// The client is too slow, or the service is stopping.
    /// </exception>
    public async Task WriteAllAsync<TItem, TMessage>(
        Func<CancellationToken, IAsyncEnumerable<TItem>> items, Func<TItem, TMessage> toProto, Func<TItem, long> resumeAfter,
        IServerStreamWriter<TMessage> stream, ServerCallContext call)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(toProto);
        ArgumentNullException.ThrowIfNull(resumeAfter);
        ArgumentNullException.ThrowIfNull(call);
        var writer = new Feed.BackpressureStreamWriter<TMessage>(stream, options.Value, clock);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(call.CancellationToken, lifetime.ApplicationStopping);
        long? resume = null;
        try
        {
            await foreach (var item in items(ending.Token))
            {
                await writer.WriteAsync(toProto(item), resume, ending.Token);
                resume = resumeAfter(item);
            }
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested && !call.CancellationToken.IsCancellationRequested)
        {
            throw writer.Stopping(resume);
        }
    }
}
