using System.Collections.Concurrent;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Feed.V1;
using GrpcCqrs.Operations.V1;
using Xunit;
using Consumer = Grpc.Core.AsyncDuplexStreamingCall<GrpcCqrs.Feed.V1.ConsumeRequest, GrpcCqrs.Feed.V1.ConsumeResponse>;

namespace Blog.Tests.Service;

/// <summary>grpccqrs.feed.v1: consumer groups.</summary>
public sealed class ConsumerGroupTests(FeedBlogService blog) : IClassFixture<FeedBlogService>
{
    private static CancellationToken None => CancellationToken.None;

    private OperationsService.OperationsServiceClient Operations => new(blog.Channel);

    [Fact]
    public async Task Members_share_the_streams_and_each_stream_keeps_its_order()
    {
        var group = await NewGroupAsync();
        var posts = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => blog.CreateAsync()));
        var versions = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        using var enough = new CancellationTokenSource(Patience.Limit);
        var consumers = Enumerable.Range(0, 3).Select(number => Task.Run(async () =>
        {
            var random = new Random(number);
            using var member = await JoinAsync(group, 4);
            var held = new List<Delivery>();
            while (!enough.IsCancellationRequested && await MoveAsync(member, enough.Token))
            {
                held.Add(member.ResponseStream.Current.Delivery);
                var each = Assert.Single(held[^1].Events);
                Assert.Equal(versions.GetValueOrDefault(each.Stream) + 1, each.Version);
                foreach (var done in held.OrderBy(_ => random.Next()))
                {
                    // One more than two failures would park the stream: FeedBlogService's MaxFailures.
                    if (done.Attempt < 3 && random.Next(6) == 0)
                    {
                        await member.RequestStream.WriteAsync(new() { Fail = new() { DeliveryId = done.DeliveryId, Reason = "by chance" } }, None);
                        continue;
                    }

                    versions[done.Events[0].Stream] = done.Events[0].Version;
                    await AcknowledgeAsync(member, done);
                }

                held.Clear();
                if (versions.Values.Sum() == 60)
                {
                    await enough.CancelAsync();
                }
            }
        })).ToArray();
        await Task.WhenAll(posts.Select(async post =>
        {
            for (var version = 2; version <= 10; version++)
            {
                await blog.Commands.EditPostContentAsync(new() { PostId = post.PostId, Content = $"Version {version}" });
            }
        }));

        await Task.WhenAll(consumers);
        Assert.Equal(60, versions.Values.Sum());

        // What the members said last may have been lost with their calls, so some may come again.
        using var last = await JoinAsync(group, 10);
        var sweeping = Task.Run(async () =>
        {
            while (await MoveAsync(last, None))
            {
                var again = last.ResponseStream.Current.Delivery;
                Assert.InRange(Assert.Single(again.Events).Version, 1, versions[again.Events[0].Stream]);
                await AcknowledgeAsync(last, again);
            }
        });
        await UntilAsync(async () => await FindAsync(group) is { Lag: 0, Members: 1, InFlight: 0, ParkedEvents: 0 });
        await last.RequestStream.CompleteAsync();
        await sweeping;
        await UntilAsync(async () => await FindAsync(group) is { Lag: 0, Members: 0, InFlight: 0, ParkedEvents: 0 });
    }

    [Fact]
    public async Task What_a_client_leaves_unacknowledged_goes_to_another_and_after_a_restart_the_group_goes_on_where_it_was()
    {
        var service = new FeedBlogService();
        await service.InitializeAsync();
        try
        {
            var ids = new List<string>();
            for (var number = 0; number < 4; number++)
            {
                ids.Add((await service.CreateAsync()).PostId);
            }

            await service.Feed.CreateConsumerGroupAsync(new() { Name = "group" });
            using (var one = await JoinAsync("group", 10, service))
            {
                await AcknowledgeAsync(one, await NextAsync(one));
                await NextAsync(one);
                await AcknowledgeAsync(one, await NextAsync(one));
                await UntilAsync(async () => (await service.Feed.ListConsumerGroupsAsync(new())).Groups[0] is { Position: 1, InFlight: 2 });
            }

            using (var two = await JoinAsync("group", 1, service))
            {
                var again = await NextAsync(two);
                Assert.Equal((2, 2), (again.Events[0].Position, again.Attempt));
            }

            await service.RestartAsync();
            using var three = await JoinAsync("group", 10, service);
            var rest = new[] { await NextAsync(three), await NextAsync(three) };
            Assert.Equal([2L, 4L], rest.Select(delivery => delivery.Events[0].Position));
            await AcknowledgeAsync(three, rest[1]);
            await AcknowledgeAsync(three, rest[0]);
            await UntilAsync(async () => (await service.Feed.ListConsumerGroupsAsync(new())).Groups[0] is { Position: 4, Lag: 0, InFlight: 0, Members: 1 });

            // The client closes its side, and the call ends well.
            await three.RequestStream.CompleteAsync();
            Assert.False(await three.ResponseStream.MoveNext(None));
            Assert.Equal(StatusCode.OK, three.GetStatus().StatusCode);
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_stream_that_fails_is_parked_and_its_events_are_listed_skipped_and_retried()
    {
        var group = await NewGroupAsync();
        var bad = (await blog.CreateAsync("Bad")).PostId;
        var good = (await blog.CreateAsync("Good")).PostId;
        await blog.PublishAsync(bad);
        await blog.Commands.EditPostContentAsync(new() { PostId = bad, Content = "Third" });
        await blog.PublishAsync(good);
        using var member = await JoinAsync(group, 10);
        var done = new List<string>();
        for (var number = 0; number < 5; number++)
        {
            var delivery = await NextAsync(member);
            if (delivery.Events[0].Stream == $"post-{bad}")
            {
                await member.RequestStream.WriteAsync(new() { Fail = new() { DeliveryId = delivery.DeliveryId, Reason = "no title is good" } }, None);
            }
            else
            {
                done.Add(delivery.Events[0].Stream);
                await AcknowledgeAsync(member, delivery);
            }
        }

        Assert.Equal([$"post-{good}", $"post-{good}"], done);
        await UntilAsync(async () => await FindAsync(group) is { Lag: 0, ParkedEvents: 3, ParkedStreams: 1 });
        var reader = $"consumerGroups/{group}";
        var first = await Operations.ListParkedEventsAsync(new() { Reader = reader, PageSize = 2 });
        var second = await Operations.ListParkedEventsAsync(new() { Reader = reader, PageSize = 2, PageToken = first.NextPageToken });
        Assert.Equal([(3, "no title is good"), (0, "")], first.Events.Select(parked => (parked.Attempts, parked.Error)));
        Assert.Empty(second.NextPageToken);
        var position = first.Events[0].Position;
        var last = Assert.Single(second.Events);
        Assert.Equal((reader, $"post-{bad}", "blog.post-content-edited"), (last.Reader, last.Stream, last.EventType));
        Assert.Equal([.. first.Events, last], (await Operations.ListParkedEventsAsync(new())).Events);

        (await Refusal.OfAsync(Operations.SkipParkedEventAsync(new() { Reader = reader, Position = last.Position }))).Is(FeedErrors.ParkedRetrying);
        await Operations.SkipParkedEventAsync(new() { Reader = reader, Position = position });
        await Operations.SkipParkedEventAsync(new() { Reader = reader, Position = position });
        var skipped = Assert.Single((await Operations.ListSkippedEventsAsync(new())).Events);
        Assert.Equal((reader, 0, position, "anonymous"), (skipped.Reader, skipped.Version, skipped.Position, skipped.User));
        for (var version = 2; version <= 3; version++)
        {
            var delivery = await NextAsync(member);
            Assert.Equal((version, true), (delivery.Events[0].Version, delivery.WasParked));
            await AcknowledgeAsync(member, delivery);
        }

        await UntilAsync(async () => await FindAsync(group) is { Lag: 0, ParkedEvents: 0 });
        (await Refusal.OfAsync(Operations.RetryParkedEventsAsync(new() { Reader = reader, Stream = $"post-{bad}" }))).Is(EngineErrors.NothingParked);
    }

    [Fact]
    public async Task A_group_takes_what_its_filter_wants_and_its_definition_cannot_be_changed()
    {
        var request = new CreateConsumerGroupRequest { Name = "publications", AtEnd = true, Filter = new() { EventTypes = { "blog.post-published" }, Category = "post" } };
        var made = (await blog.Feed.CreateConsumerGroupAsync(request)).Group;
        Assert.Equal((0, 0, ""), (made.Lag, made.Members, made.Holder));
        var id = (await blog.CreateAsync()).PostId;
        await blog.PublishAsync(id);
        Assert.Equal(made.Position, (await blog.Feed.CreateConsumerGroupAsync(request)).Group.Position);
        request.AfterPosition = 1;
        var refused = (await Refusal.OfAsync(blog.Feed.CreateConsumerGroupAsync(request))).Is(FeedErrors.GroupExists);
        Assert.Equal("consumerGroups/publications", refused.Detail<Google.Rpc.ResourceInfo>()!.ResourceName);

        using var member = await JoinAsync("publications", 0);
        var delivery = await NextAsync(member);
        Assert.Equal(("blog.post-published", $"post-{id}"), (delivery.Events[0].Type, delivery.Events[0].Stream));
        await blog.Feed.DeleteConsumerGroupAsync(new() { Name = "publications" });
        Refusal.Of(await Assert.ThrowsAsync<RpcException>(() => member.ResponseStream.MoveNext(None))).Is(FeedErrors.GroupNotFound);
        (await Refusal.OfAsync(blog.Feed.DeleteConsumerGroupAsync(new() { Name = "publications" }))).Is(FeedErrors.GroupNotFound);
    }

    [Fact]
    public async Task Malformed_requests_are_refused_by_field()
    {
        (await Refusal.OfAsync(blog.Feed.CreateConsumerGroupAsync(new() { Name = "Upper", AtEnd = false, Filter = new() { Stream = "x" } })))
            .Is(EngineErrors.InvalidFields, "name", "at_end", "filter.stream");
        (await Refusal.OfAsync(blog.Feed.CreateConsumerGroupAsync(new() { Name = "group", AfterPosition = -1 }))).Is(EngineErrors.InvalidFields, "after_position");
        (await Refusal.OfAsync(blog.Feed.DeleteConsumerGroupAsync(new()))).Is(EngineErrors.InvalidFields, "name");
        (await Refusal.OfAsync(Operations.ListParkedEventsAsync(new() { Reader = "groups/x", PageSize = -1 }))).Is(EngineErrors.InvalidFields, "reader", "page_size");
        (await Refusal.OfAsync(Operations.ListParkedEventsAsync(new() { Reader = "consumerGroups/" }))).Is(EngineErrors.InvalidFields, "reader");
        (await Refusal.OfAsync(Operations.ListParkedEventsAsync(new() { Reader = "consumerGroups/unknown" }))).Is(FeedErrors.GroupNotFound);
        (await Refusal.OfAsync(Operations.RetryParkedEventsAsync(new() { Reader = "consumerGroups/unknown" }))).Is(FeedErrors.GroupNotFound);
        (await Refusal.OfAsync(Operations.SkipParkedEventAsync(new() { Reader = "consumerGroups/unknown", Position = 1 }))).Is(FeedErrors.GroupNotFound);

        (await SayAsync(new ConsumeRequest { Open = new() { Group = "no such" } })).Is(EngineErrors.InvalidFields, "open.group");
        (await SayAsync(new ConsumeRequest { Open = new() { Group = "unknown", MaxInFlight = 1_001 } })).Is(EngineErrors.InvalidFields, "open.max_in_flight");
        (await SayAsync(new ConsumeRequest { Open = new() { Group = "unknown" } })).Is(FeedErrors.GroupNotFound);
        (await SayAsync(new ConsumeRequest { Acknowledge = new() { DeliveryIds = { 1 } } })).Is(EngineErrors.InvalidFields, "open");
        var group = new ConsumeRequest { Open = new() { Group = await NewGroupAsync() } };
        (await SayAsync(group, group)).Is(EngineErrors.InvalidFields, "open");
        (await SayAsync(group, new())).Is(EngineErrors.InvalidFields, "action");
        (await SayAsync(group, new() { Acknowledge = new() { DeliveryIds = { 0 } } })).Is(EngineErrors.InvalidFields, "acknowledge.delivery_ids");
        (await SayAsync(group, new() { Fail = new() })).Is(EngineErrors.InvalidFields, "fail.delivery_id");
    }

    [Fact]
    public async Task A_stopping_service_ends_its_feeds_at_once_and_says_where_to_go_on()
    {
        var service = new FeedBlogService();
        await service.InitializeAsync();
        await service.CreateAsync();
        await service.Feed.CreateConsumerGroupAsync(new() { Name = "group" });
        using var subscription = service.Feed.Subscribe(new());
        Assert.True(await subscription.ResponseStream.MoveNext(None));
        Assert.True(await subscription.ResponseStream.MoveNext(None));
        Assert.Equal(1, subscription.ResponseStream.Current.CaughtUp.Position);
        using var member = await JoinAsync("group", 1, service);
        await NextAsync(member);

        var stopping = service.Application.StopAsync();
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await subscription.ResponseStream.MoveNext(None))
            {
                // The message that it has caught up may come before.
            }
        });
        if (IsTold(Refusal.Of(refused)))
        {
            Assert.Equal("1", Refusal.Of(refused).Info.Metadata["resume_after_position"]);
        }

        IsTold(Refusal.Of(await Assert.ThrowsAsync<RpcException>(() => member.ResponseStream.MoveNext(None))));

        // An open feed would hold up the stop until the host gives up on it.
        await stopping.WaitAsync(Patience.Limit);
        await service.DisposeAsync();

        // Kestrel may close the connection before the client has taken the status from it; then gRPC itself tells that it ended.
        static bool IsTold(Refusal refusal)
        {
            if (refusal.Reason.Length == 0)
            {
                Assert.Contains("HTTP/2", refusal.Message, StringComparison.Ordinal);
                return false;
            }

            refusal.Is(FeedErrors.ServiceStopping);
            return true;
        }
    }

    private async Task<string> NewGroupAsync()
    {
        var name = $"g-{Guid.CreateVersion7():N}";
        await blog.Feed.CreateConsumerGroupAsync(new() { Name = name, AtEnd = true });
        return name;
    }

    private async Task<Consumer> JoinAsync(string group, int maxInFlight, FeedBlogService? service = null)
    {
        var member = (service ?? blog).Feed.Consume();
        await member.RequestStream.WriteAsync(new() { Open = new() { Group = group, MaxInFlight = maxInFlight } }, None);
        Assert.True(await member.ResponseStream.MoveNext(None));
        Assert.NotNull(member.ResponseStream.Current.Opened);
        return member;
    }

    private static async Task<bool> MoveAsync(Consumer member, CancellationToken cancellationToken)
    {
        try
        {
            return await member.ResponseStream.MoveNext(cancellationToken);
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.Cancelled)
        {
            return false;
        }
    }

    private static async Task<Delivery> NextAsync(Consumer member)
    {
        using var limit = new CancellationTokenSource(Patience.Limit);
        Assert.True(await member.ResponseStream.MoveNext(limit.Token));
        return member.ResponseStream.Current.Delivery;
    }

    private static Task AcknowledgeAsync(Consumer member, Delivery delivery) =>
        member.RequestStream.WriteAsync(new() { Acknowledge = new() { DeliveryIds = { delivery.DeliveryId } } }, None);

    private async Task<Refusal> SayAsync(params ConsumeRequest[] messages)
    {
        using var call = blog.Feed.Consume();
        return Refusal.Of(await Assert.ThrowsAsync<RpcException>(async () =>
        {
            foreach (var message in messages)
            {
                await call.RequestStream.WriteAsync(message, None);
            }

            while (await call.ResponseStream.MoveNext(None))
            {
                Assert.NotNull(call.ResponseStream.Current.Opened);
            }
        }));
    }

    private async Task<ConsumerGroup> FindAsync(string name) =>
        (await blog.Feed.ListConsumerGroupsAsync(new())).Groups.Single(group => group.Name == name);

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Patience.Limit);
        while (!await condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }
}
