using Grpc.Core;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Feed.V1;
using GrpcCqrs.Storage.Subscriptions;
using Delivery = GrpcCqrs.Feed.V1.Delivery;

namespace GrpcCqrs.Hosting.Feed;

/// <content>Consumer groups.</content>
internal sealed partial class EventFeedGrpcService
{
    public override async Task<CreateConsumerGroupResponse> CreateConsumerGroup(CreateConsumerGroupRequest request, ServerCallContext context)
    {
        var (name, start, filter) = requests.Check(request);
        return new CreateConsumerGroupResponse { Group = (await groups.CreateAsync(name, filter, start, context.CancellationToken)).ToProto() };
    }

    public override async Task<DeleteConsumerGroupResponse> DeleteConsumerGroup(DeleteConsumerGroupRequest request, ServerCallContext context)
    {
        await groups.DeleteAsync(FeedRequests.Check(request), context.CancellationToken);
        return new DeleteConsumerGroupResponse();
    }

    public override async Task<ListConsumerGroupsResponse> ListConsumerGroups(ListConsumerGroupsRequest request, ServerCallContext context) =>
        new() { Groups = { (await groups.ListAsync(context.CancellationToken)).Select(group => group.ToProto()) } };

    public override async Task Consume(IAsyncStreamReader<ConsumeRequest> requestStream, IServerStreamWriter<ConsumeResponse> responseStream, ServerCallContext context)
    {
        using var call = feed.Open();
        var isOpened = await requestStream.MoveNext(context.CancellationToken);
        var (group, maxInFlight) = FeedRequests.CheckOpening(isOpened ? requestStream.Current : null);
        using var member = await groups.JoinAsync(group, maxInFlight, context.CancellationToken);
        using var ending = Ending(context);
        var listening = ListenAsync(requestStream, member);
        var sending = SendAsync(member, maxInFlight, responseStream, ending.Token);
        try
        {
            // The client closes its side or sends something invalid, or there is nothing more to send.
            var first = await Task.WhenAny(listening, sending);
            await ending.CancelAsync();
            await first;
        }
        catch (OperationCanceledException) when (IsStopping(context))
        {
            throw new RejectedException(FeedErrors.ServiceStopping, "The service is stopping.") { RetryAfter = options.Value.RetryAfter };
        }
        finally
        {
            Forget(listening);
            Forget(sending);
        }

        // The other task ends with the call; its error is no longer relevant.
        static void Forget(Task task) =>
            _ = task.ContinueWith(static ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    /// <summary>Processes a member's messages until it closes its side.</summary>
    private static async Task ListenAsync(IAsyncStreamReader<ConsumeRequest> requestStream, GroupMember member)
    {
        // Without a token, which would end the call without an error.
        while (await MoveNextAsync())
        {
            var said = requestStream.Current;
            FeedRequests.CheckAction(said);
            if (said.Acknowledge is { } done)
            {
                member.Acknowledge(done.DeliveryIds);
            }
            else
            {
                member.Fail(said.Fail.DeliveryId, said.Fail.Reason, said.Fail.Park);
            }
        }

        async Task<bool> MoveNextAsync()
        {
            try
            {
                return await requestStream.MoveNext(CancellationToken.None);
            }
            catch (IOException exception)
            {
                // The caller has disconnected; the call's token may not be cancelled yet.
                throw new RpcException(new Status(StatusCode.Cancelled, "The caller gave up.", exception));
            }
        }
    }

    private async Task SendAsync(GroupMember member, int maxInFlight, IServerStreamWriter<ConsumeResponse> responseStream, CancellationToken cancellationToken)
    {
        var writer = new BackpressureStreamWriter<ConsumeResponse>(responseStream, options.Value, clock);
        var opened = new ConsumerOpened { Position = member.StartPosition, MaxInFlight = maxInFlight };
        await writer.WriteAsync(new ConsumeResponse { Opened = opened }, resumeAfter: null, cancellationToken);
        await foreach (var next in member.ReadAsync(cancellationToken))
        {
            var delivery = new Delivery { DeliveryId = next.Id, Attempt = next.Attempt, WasParked = next.WasParked, Events = { FeedMapping.ToProto(next.Events) } };
            await writer.WriteAsync(new ConsumeResponse { Delivery = delivery }, resumeAfter: null, cancellationToken);
        }
    }
}
