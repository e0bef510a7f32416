using Grpc.Core;
using GrpcCqrs.Feed.V1;
using GrpcCqrs.Storage.Subscriptions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Hosting.Feed;

/// <summary>grpccqrs.feed.v1.EventFeedService.</summary>
internal sealed partial class EventFeedGrpcService(
    EventFeed feed,
    ConsumerGroups groups,
    FeedRequests requests,
    IOptions<FeedOptions> options,
    TimeProvider clock,
    IHostApplicationLifetime lifetime) : EventFeedService.EventFeedServiceBase
{
    public override async Task ReadStream(ReadStreamRequest request, IServerStreamWriter<ReadStreamResponse> responseStream, ServerCallContext context)
    {
        var (stream, fromVersion, maxCount, eventTypes) = requests.Check(request);
        using var call = feed.Open();
        var writer = new BackpressureStreamWriter<ReadStreamResponse>(responseStream, options.Value, clock);
        long? resume = null;
        using var ending = Ending(context);
        try
        {
            await foreach (var events in feed.ReadStreamAsync(stream, fromVersion, eventTypes, maxCount, ending.Token))
            {
                foreach (var each in FeedMapping.ToProto(events.All))
                {
                    await writer.WriteAsync(new ReadStreamResponse { Event = each }, resume, ending.Token);
                }

                resume = events.Position;
            }
        }
        catch (OperationCanceledException) when (IsStopping(context))
        {
            throw writer.Stopping(resume);
        }
    }

    public override async Task ReadAll(ReadAllRequest request, IServerStreamWriter<ReadAllResponse> responseStream, ServerCallContext context)
    {
        var (after, maxCount, filter) = requests.Check(request);
        using var call = feed.Open();
        await SendAsync(
            feed.ReadAllAsync(after, filter, maxCount, CancellationToken.None), responseStream, after, context,
            (each, message) => each is not null ? new ReadAllResponse { Event = each } : new ReadAllResponse { Checkpoint = ((FeedMessage.Checkpoint)message).ToProto() });
    }

    public override async Task Subscribe(SubscribeRequest request, IServerStreamWriter<SubscribeResponse> responseStream, ServerCallContext context)
    {
        var (after, filter) = requests.Check(request);
        using var call = feed.Open();

        // The headers show a waiting client that it is connected.
        await context.WriteResponseHeadersAsync([]);
        await SendAsync(
            feed.SubscribeAsync(after, filter, CancellationToken.None), responseStream, after, context,
            (each, message) => each is not null
                ? new SubscribeResponse { Event = each }
                : message switch
                {
                    FeedMessage.CaughtUp end => new SubscribeResponse { CaughtUp = new CaughtUp { Position = end.Position } },
                    FeedMessage.Checkpoint checkpoint => new SubscribeResponse { Checkpoint = checkpoint.ToProto() },
                    _ => throw new InvalidOperationException($"A {message.GetType().Name} has no proto."),
                });
    }

    private async Task SendAsync<T>(
        IAsyncEnumerable<FeedMessage> messages, IServerStreamWriter<T> responseStream, long after, ServerCallContext context, Func<GrpcCqrs.Feed.V1.FeedEvent?, FeedMessage, T> toProto)
    {
        var writer = new BackpressureStreamWriter<T>(responseStream, options.Value, clock);
        var resume = after;
        using var ending = Ending(context);
        try
        {
            await foreach (var message in messages.WithCancellation(ending.Token))
            {
                switch (message)
                {
                    case FeedMessage.Events events:
                        foreach (var each in FeedMapping.ToProto(events.All))
                        {
                            await writer.WriteAsync(toProto(each, message), resume, ending.Token);
                        }

                        resume = events.Position;
                        break;
                    case FeedMessage.Checkpoint checkpoint:
                        await writer.WriteAsync(toProto(null, message), resume, ending.Token);
                        resume = checkpoint.Position;
                        break;
                    default:
                        await writer.WriteAsync(toProto(null, message), resume, ending.Token);
                        break;
                }
            }
        }
        catch (OperationCanceledException) when (IsStopping(context))
        {
            throw writer.Stopping(resume);
        }
    }

    /// <summary>Cancelled with the call or when the service stops, so that no open feed call delays the stop.</summary>
    private CancellationTokenSource Ending(ServerCallContext context) =>
        CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);

    private bool IsStopping(ServerCallContext context) =>
        lifetime.ApplicationStopping.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested;
}
