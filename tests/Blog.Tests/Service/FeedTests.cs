using System.Text.Json;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Feed.V1;
using Xunit;
using Event = GrpcCqrs.Feed.V1.FeedEvent;
using Told = GrpcCqrs.Feed.V1.SubscribeResponse.MessageOneofCase;

namespace Blog.Tests.Service;

/// <summary>A service whose feed goes from the ring to the database at every turn, and is not patient.</summary>
public sealed class FeedBlogService : BlogService
{
    internal EventFeedService.EventFeedServiceClient Feed => new(Channel);

    protected override IEnumerable<string> Settings =>
    [
        "--Feed:RingEvents=8", "--Feed:PageSize=5", "--Feed:CheckpointPositions=10", "--Feed:CheckpointInterval=00:00:00.050",
        "--Feed:SlowConsumerTimeout=00:00:01", "--Feed:RetryDelay=00:00:00.005", "--Feed:MaxFailures=3", "--Feed:AckInterval=00:00:00.010",
        "--Feed:GroupLease=00:00:01",
    ];
}

/// <summary>grpccqrs.feed.v1: reads and subscriptions.</summary>
public sealed class FeedTests(FeedBlogService blog) : IClassFixture<FeedBlogService>
{
    private static readonly string[] WellFormed = ["blog.post-created", "blog.post-published"];

    [Fact]
    public async Task Subscribers_get_the_past_and_then_every_new_event_once_and_in_order_under_many_writers()
    {
        var ended = new TaskCompletionSource<string>();
        var subscribers = Enumerable.Range(0, 5).Select(number => Task.Run(async () =>
        {
            var start = number == 0 ? 0 : await HeadAsync();
            var seen = new List<Event>();
            using var call = blog.Feed.Subscribe(new() { AfterPosition = start }, deadline: Limit());
            await foreach (var each in EventsAsync(call))
            {
                seen.Add(each);
                if (each.Metadata.CorrelationId == "the end")
                {
                    return (start, seen);
                }
            }

            throw new InvalidOperationException("The subscription ended by itself.");
        })).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async writer =>
        {
            for (var number = 0; number < 12; number++)
            {
                var created = await blog.CreateAsync($"By {writer}: {number}");
                await blog.PublishAsync(created.PostId);
            }
        }));
        await blog.Commands.CreatePostAsync(PostCalls.NewPost(), new Metadata { { "grpccqrs-correlation-id", "the end" } });

        foreach (var (start, seen) in await Task.WhenAll(subscribers))
        {
            Assert.Equal(Enumerable.Range(0, seen.Count).Select(number => start + 1 + number), seen.Select(each => each.Position));
            Assert.True(start > 0 || seen.Count > 190);
        }
    }

    [Fact]
    public async Task An_event_carries_all_that_the_store_knows_of_it()
    {
        var before = await HeadAsync();
        var commandId = PostCalls.NewId();
        var request = PostCalls.NewPost("A title", "A content");
        request.CommandId = commandId;
        var created = await blog.Commands.CreatePostAsync(
            request, new Metadata { { "grpccqrs-correlation-id", "conversation" }, { "grpccqrs-causation-id", "cause" } });
        await blog.PublishAsync(created.PostId);

        var events = await ReadStreamAsync(new() { Stream = $"post-{created.PostId}" });

        Assert.Equal(2, events.Count);
        var first = events[0];
        Assert.Equal(("blog.post-created", $"post-{created.PostId}", 1), (first.Type, first.Stream, first.Version));
        Assert.Equal((0, true, before + 1), (first.Index, first.LastOfPosition, first.Position));
        Assert.Equal(new GrpcCqrs.Feed.V1.EventMetadata { CommandId = commandId, CorrelationId = "conversation", CausationId = "cause", User = "anonymous" }, first.Metadata);
        Assert.Equal("A title", JsonDocument.Parse(first.DataJson).RootElement.GetProperty("title").GetString());
        Assert.True(Guid.TryParseExact(first.EventId, "D", out _) && first.SchemaVersion > 0 && first.Time.Seconds > 0);

        Assert.Equal(events[1..], await ReadStreamAsync(new() { Stream = $"post-{created.PostId}", FromVersion = 2 }));
        Assert.Equal(events[..1], await ReadStreamAsync(new() { Stream = $"post-{created.PostId}", MaxCount = 1 }));
        Assert.Equal(events[1..], await ReadStreamAsync(new() { Stream = $"post-{created.PostId}", EventTypes = { "blog.post-published" } }));
        var all = await ReadAllAsync(new() { AfterPosition = before, Filter = new() { Stream = $"post-{created.PostId}" } });
        Assert.Equal(events, all.SkipLast(1).Select(each => each.Event));
        Assert.True(all[^1].Checkpoint is { EndOfLog: true });
        var one = await ReadAllAsync(new() { AfterPosition = before, MaxCount = 1 });
        Assert.Equal([events[0], null], one.Select(each => each.Event));
        Assert.Equal(new Checkpoint { Position = before + 1 }, one[^1].Checkpoint);
    }

    [Fact]
    public async Task A_filtered_subscription_is_resumed_behind_a_checkpoint_without_loss()
    {
        var start = await HeadAsync();
        for (var number = 0; number < 25; number++)
        {
            await blog.CreateAsync();
        }

        using var call = blog.Feed.Subscribe(
            new() { AfterPosition = start, Filter = new() { EventTypes = { "blog.post-published" }, Category = "post" } }, deadline: Limit());
        await call.ResponseStream.MoveNext(CancellationToken.None);
        Assert.Equal((Told.Checkpoint, start + 10), (call.ResponseStream.Current.MessageCase, call.ResponseStream.Current.Checkpoint.Position));
        call.Dispose();

        using var resumed = blog.Feed.Subscribe(
            new() { AfterPosition = start + 10, Filter = new() { EventTypes = { "blog.post-published" }, Category = "post" } }, deadline: Limit());
        var told = new List<SubscribeResponse>();
        while (told is not [.., { Event: not null }] && await resumed.ResponseStream.MoveNext(CancellationToken.None))
        {
            told.Add(resumed.ResponseStream.Current);
            if (told[^1].CaughtUp is { } end)
            {
                Assert.True(end.Position >= start + 25);
                await blog.PublishAsync((await blog.CreateAsync()).PostId);
            }
        }

        Assert.Equal(Told.Checkpoint, told[0].MessageCase);
        Assert.Single(told, each => each.MessageCase == Told.CaughtUp);
        Assert.Equal("blog.post-published", told[^1].Event.Type);
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_cut_off_with_its_position_while_others_go_on()
    {
        var start = await HeadAsync();
        using var slowChannel = blog.NewChannel();
        using var slow = new EventFeedService.EventFeedServiceClient(slowChannel).Subscribe(new() { AfterPosition = start }, deadline: Limit());
        using var quick = blog.Feed.Subscribe(new() { AfterPosition = start }, deadline: Limit());
        var reading = Task.Run(async () =>
        {
            await foreach (var each in EventsAsync(quick))
            {
                if (each.Position == start + 100)
                {
                    break;
                }
            }
        });
        var text = new string('x', 100_000);
        for (var number = 0; number < 100; number++)
        {
            await blog.CreateAsync(content: text);
        }

        await reading;

        // Nobody says that the call was cut off until the client reads again.
        await UntilAsync(() => OpenCalls() == 1);
        var seen = new List<long>();
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            await foreach (var each in EventsAsync(slow))
            {
                seen.Add(each.Position);
            }
        });

        var refusal = Refusal.Of(refused).Is(FeedErrors.SlowConsumer);
        var resume = long.Parse(refusal.Info.Metadata["resume_after_position"], System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(seen.Count, 1, 99);
        Assert.InRange(resume, start, start + seen.Count);
        Assert.Equal(Enumerable.Range(1, seen.Count).Select(number => start + number), seen);
        using var again = blog.Feed.Subscribe(new() { AfterPosition = resume }, deadline: Limit());
        var rest = new List<long>();
        await foreach (var each in EventsAsync(again))
        {
            rest.Add(each.Position);
            if (each.Position == start + 100)
            {
                break;
            }
        }

        Assert.Equal(Enumerable.Range(1, rest.Count).Select(number => resume + number), rest);
    }

    [Fact]
    public async Task Malformed_requests_are_refused_by_field()
    {
        await RefusedAsync(blog.Feed.ReadStream(new() { Stream = "x", FromVersion = -1, MaxCount = 10_001, EventTypes = { "blog.post-created", "no" } }),
            EngineErrors.InvalidFields, "stream", "from_version", "max_count", "event_types[1]");
        await RefusedAsync(blog.Feed.ReadAll(new() { AfterPosition = -1, MaxCount = -1, Filter = new() { Stream = "-", Category = "A b", EventTypes = { "no" } } }),
            EngineErrors.InvalidFields, "after_position", "max_count", "filter.stream", "filter.category", "filter.event_types[0]");
        await RefusedAsync(blog.Feed.Subscribe(new() { AfterPosition = -1, Filter = new() { EventTypes = { Enumerable.Repeat("blog.post-created", 51) } } }),
            EngineErrors.InvalidFields, "after_position", "filter.event_types");
        await RefusedAsync(blog.Feed.ReadStream(new() { Stream = $"post-{PostCalls.UnknownId}" }), FeedErrors.StreamNotFound);
        await RefusedAsync(blog.Feed.ReadAll(new() { AfterPosition = long.MaxValue }), FeedErrors.PositionOutOfRange);
        var far = await RefusedAsync(blog.Feed.Subscribe(new() { AfterPosition = long.MaxValue, Filter = new() { EventTypes = { WellFormed } } }), FeedErrors.PositionOutOfRange);
        Assert.Equal($"{await HeadAsync()}", far.Info.Metadata["newest_position"]);
    }

    private static DateTime Limit() => Patience.Deadline;

    private static async IAsyncEnumerable<Event> EventsAsync(AsyncServerStreamingCall<SubscribeResponse> call)
    {
        while (await call.ResponseStream.MoveNext(CancellationToken.None))
        {
            if (call.ResponseStream.Current.Event is { } each)
            {
                yield return each;
            }
        }
    }

    private static async Task<Refusal> RefusedAsync<T>(AsyncServerStreamingCall<T> call, ErrorCode code, params string[] fields)
    {
        using (call)
        {
            return Refusal.Of(await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None))).Is(code, fields);
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(Patience.Limit);
        while (!condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    private int OpenCalls() => ((GrpcCqrs.Storage.Subscriptions.EventFeed)blog.Services.GetService(typeof(GrpcCqrs.Storage.Subscriptions.EventFeed))!).OpenCalls;

    private async Task<List<Event>> ReadStreamAsync(ReadStreamRequest request)
    {
        using var call = blog.Feed.ReadStream(request, deadline: Limit());
        var events = new List<Event>();
        while (await call.ResponseStream.MoveNext(CancellationToken.None))
        {
            events.Add(call.ResponseStream.Current.Event);
        }

        return events;
    }

    private async Task<List<ReadAllResponse>> ReadAllAsync(ReadAllRequest request)
    {
        using var call = blog.Feed.ReadAll(request, deadline: Limit());
        var all = new List<ReadAllResponse>();
        while (await call.ResponseStream.MoveNext(CancellationToken.None))
        {
            all.Add(call.ResponseStream.Current);
        }

        return all;
    }

    private async Task<long> HeadAsync() =>
        (await ReadAllAsync(new() { MaxCount = 1, Filter = new() { Category = "none" } }))[^1].Checkpoint.Position;
}
