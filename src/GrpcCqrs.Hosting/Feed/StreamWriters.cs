using Grpc.Core;
using GrpcCqrs.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Hosting;

/// <summary>
/// Sends what is told to a client of a server stream, at the client's pace: one that takes nothing for <c>Feed:SlowConsumerTimeout</c> is
/// cut off, and a stop of the service ends the call, both with where to go on.
/// </summary>
public sealed class StreamWriters(IOptions<FeedOptions> options, TimeProvider clock, IHostApplicationLifetime lifetime)
{
    /// <summary>Sends all items, until there are no more or the call ends.</summary>
    /// <param name="items">Begins to tell the items; is given what ends them.</param>
    /// <param name="toProto">Makes a message of an item.</param>
    /// <param name="resumeAfter">What a client that got the item is told to start behind.</param>
    /// <param name="stream">The call's stream.</param>
    /// <param name="call">The call.</param>
    /// <exception cref="EventSourcing.RejectedException">The client is too slow, or the service stops.</exception>
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
