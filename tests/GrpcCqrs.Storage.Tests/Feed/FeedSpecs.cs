using System.Text.Json.Nodes;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Subscriptions;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>What the event feed promises to readers and subscribers, whatever the database.</summary>
public abstract class FeedSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    private static readonly (string, string)[] SmallRing = [("Feed:RingEvents", "16"), ("Feed:PageSize", "7"), ("Feed:PollInterval", "00:00:00.020")];

    private static CancellationToken None => CancellationToken.None;

    [SkippableFact]
    public async Task Subscribers_get_every_position_once_and_in_order_while_many_writers_append()
    {
        await using var store = await StartAsync(fixture.NewStore(), null, SmallRing);
        var writing = Task.Run(async () =>
        {
            await Workload.RunAsync(store.Store, "one", writers: 8, rounds: 12);
            await AppendAsync(store, "end", 1);
        });
        var subscribers = Enumerable.Range(0, 6).Select(number => Task.Run(async () =>
        {
            await Task.Delay(number * 20);
            var start = Math.Min(number * 10, await store.Store.ReadHeadAsync(None));

            // Some are so slow that the ring leaves them behind, again and again.
            return (start, seen: await TakeAsync(store, start, last => last.All[0].Record.Stream.Id == "end", pause: number % 2 == 0 ? 0 : 25));
        })).ToArray();

        var results = await Task.WhenAll(subscribers);

        await writing;
        var head = await store.Store.ReadHeadAsync(None);
        Assert.True(head > 200);
        Assert.All(results, result => Assert.Equal(Positions(result.start + 1, head), result.seen));
    }

    [SkippableFact]
    public async Task A_subscription_crosses_from_the_database_to_the_ring_at_any_position()
    {
        await using var store = await StartAsync(fixture.NewStore(), null, SmallRing);
        await using var following = Subscribe(store, 0, FeedFilter.Everything).GetAsyncEnumerator();
        await following.MoveNextAsync();
        for (var number = 0; number < 40; number++)
        {
            await AppendAsync(store, "a", 1);
        }

        for (var start = 0; start < 40; start++)
        {
            var seen = await TakeAsync(store, start, last => last.Position == 40);
            Assert.Equal(Positions(start + 1, 40), seen);
        }
    }

    [SkippableFact]
    public async Task It_says_when_it_has_caught_up_and_goes_on_live()
    {
        await using var store = await StartAsync(fixture.NewStore(), null, SmallRing);
        await AppendAsync(store, "a", 3);
        await using var messages = Subscribe(store, 1, FeedFilter.Everything).GetAsyncEnumerator();

        Assert.Equal(2, Assert.IsType<FeedMessage.Events>(await NextAsync(messages)).Position);
        Assert.Equal(3, Assert.IsType<FeedMessage.Events>(await NextAsync(messages)).Position);
        Assert.Equal(new FeedMessage.CaughtUp(3), await NextAsync(messages));
        var live = NextAsync(messages);
        Assert.False(live.IsCompleted);
        await AppendAsync(store, "b", 1);
        var told = Assert.Single(Assert.IsType<FeedMessage.Events>(await live).All);
        Assert.Equal((4, "ledger-b", 1, "tester"), (told.Record.Position, told.Record.Stream.ToString(), told.Record.Version, told.Record.Metadata.User));
    }

    [SkippableFact]
    public async Task Filters_leave_out_what_is_not_wanted_and_checkpoints_tell_how_far_they_came()
    {
        await using var store = await StartAsync(
            fixture.NewStore(), null, [.. SmallRing, ("Feed:CheckpointPositions", "10"), ("Feed:CheckpointInterval", "00:00:00.050")]);
        for (var number = 0; number < 30; number++)
        {
            await AppendAsync(store, $"s{number % 3}", 1);
        }

        var opened = LedgerTypes.Registry.Serialize(new LedgerOpened("x"), TimeProvider.System.GetUtcNow());
        await store.Store.AppendAsync(Append("s1", ExpectedVersion.Any, opened), None);
        await store.Store.AppendAsync(Append("s1", ExpectedVersion.Any, Booking(1)) with { Stream = new StreamId("other", "s1-x") }, None);

        Assert.Equal(Positions(1, 32).Where(p => p % 3 == 2 && p < 31).Append(31), await UntilCaughtUpAsync(store, new FeedFilter([], "ledger-s1", "")));
        Assert.Equal([32L], await UntilCaughtUpAsync(store, new FeedFilter([], "", "other")));
        Assert.Equal([31L], await UntilCaughtUpAsync(store, new FeedFilter(["ledger.opened"], "", "")));
        Assert.Equal([31L], await UntilCaughtUpAsync(store, new FeedFilter(["ledger.closed", "ledger.opened"], "ledger-s1", "ledger")));
        Assert.Empty(await UntilCaughtUpAsync(store, new FeedFilter(["ledger.opened"], "", "other")));

        // The past: a checkpoint each ten positions that were left out. The present: one a while after something was.
        await using var messages = Subscribe(store, 0, new FeedFilter(["ledger.closed"], "", "")).GetAsyncEnumerator();
        foreach (var position in (long[])[10, 20, 30])
        {
            Assert.Equal(new FeedMessage.Checkpoint(position, IsEnd: false), await NextAsync(messages));
        }

        Assert.Equal(new FeedMessage.CaughtUp(32), await NextAsync(messages));
        await AppendAsync(store, "a", 1);
        Assert.Equal(new FeedMessage.Checkpoint(33, IsEnd: true), await NextAsync(messages));
    }

    [SkippableFact]
    public async Task A_reader_that_starts_again_behind_a_checkpoint_misses_nothing()
    {
        await using var store = await StartAsync(fixture.NewStore(), null, [.. SmallRing, ("Feed:CheckpointPositions", "3")]);
        var filter = new FeedFilter([], "", "other");
        for (var number = 0; number < 60; number++)
        {
            var request = Append($"{number}", ExpectedVersion.Any, Booking(1));
            await store.Store.AppendAsync(number % 7 == 0 ? request with { Stream = new StreamId("other", $"{number}") } : request, None);
        }

        var all = await UntilCaughtUpAsync(store, filter);
        var resumed = new List<long>();
        for (long position = 0; position < 60;)
        {
            // One message a call: whatever it is, its position is all that the next call needs.
            await using var messages = Subscribe(store, position, filter).GetAsyncEnumerator();
            position = await NextAsync(messages) switch
            {
                FeedMessage.Events events => events.Position,
                FeedMessage.Checkpoint checkpoint => checkpoint.Position,
                FeedMessage.CaughtUp end => end.Position,
                _ => throw new InvalidOperationException(),
            };
            if (position > 0 && (position - 1) % 7 == 0)
            {
                resumed.Add(position);
            }
        }

        Assert.Equal(9, all.Count);
        Assert.Equal(all, resumed);
    }

    [SkippableFact]
    public async Task What_another_process_commits_comes_too()
    {
        var settings = fixture.NewStore();
        await using var one = await StartAsync(settings, null, SmallRing);
        await using var two = await StartAsync(settings);
        await using var messages = Subscribe(one, 0, FeedFilter.Everything).GetAsyncEnumerator();
        Assert.Equal(new FeedMessage.CaughtUp(0), await NextAsync(messages));

        for (var position = 1; position <= 20; position++)
        {
            await AppendAsync(two, "a", 1);
            Assert.Equal(position, Assert.IsType<FeedMessage.Events>(await NextAsync(messages)).Position);
        }
    }

    [SkippableFact]
    public async Task Events_come_in_their_present_form_one_may_have_become_several_or_none()
    {
        var types = EventTypeRegistry.Create(types => types
            .Add("ledger.amount-booked", 2, LedgerJson.Default.AmountBooked)
            .Upcast("ledger.amount-booked", 1, payload => new JsonObject { ["Amount"] = payload["Cents"]!.GetValue<long>() / 100 })
            .Upcast("ledger.moved", 1, payload => [Old(payload["From"]!, -1), Old(payload["To"]!, 1)])
            .Upcast("ledger.noise", 1, _ => Array.Empty<JsonEvent>()));
        await using var store = await StartAsync(fixture.NewStore(), services => services.AddSingleton(types), SmallRing);
        await store.Store.AppendAsync(
            Append("a", ExpectedVersion.Any, Raw("ledger.noise", """{}"""), Raw("ledger.moved", """{"From":700,"To":900}"""), Raw("ledger.gone", """{}""")), None);

        // An unknown type is no error for a reader that asks for others.
        await using var filtered = Subscribe(store, 0, new FeedFilter(["ledger.amount-booked"], "", "")).GetAsyncEnumerator();
        Assert.Equal(2, Assert.IsType<FeedMessage.Events>(await NextAsync(filtered)).Position);
        Assert.Equal(new FeedMessage.CaughtUp(3), await NextAsync(filtered));
        await using var messages = Subscribe(store, 0, FeedFilter.Everything).GetAsyncEnumerator();
        var split = Assert.IsType<FeedMessage.Events>(await NextAsync(messages));

        Assert.Equal(2, split.Position);
        Assert.Equal(
            [("ledger.amount-booked", 2, 0, """{"Amount":-7}"""), ("ledger.amount-booked", 2, 1, """{"Amount":9}""")],
            split.All.Select(e => (e.Type, e.Present.SchemaVersion, e.Index, System.Text.Encoding.UTF8.GetString(e.Present.Payload.Span))));
        await Assert.ThrowsAsync<UnknownEventTypeException>(() => NextAsync(messages));

        static JsonEvent Old(JsonNode cents, int sign) => new("ledger.amount-booked", 1, new JsonObject { ["Cents"] = cents.GetValue<long>() * sign });
        static EventData Raw(string type, string json) => new(Guid.CreateVersion7(), type, 1, System.Text.Encoding.UTF8.GetBytes(json));
    }

    [SkippableFact]
    public async Task Reads_are_bounded_and_close_with_a_checkpoint()
    {
        await using var store = await StartAsync(fixture.NewStore(), null, SmallRing);
        for (var number = 0; number < 30; number++)
        {
            await AppendAsync(store, $"s{number % 2}", 1);
        }

        var feed = store.Services.GetRequiredService<EventFeed>();
        Assert.Equal(Positions(5, 14), Events(await feed.ReadAllAsync(4, FeedFilter.Everything, 10, None).ToListAsync(), new(14, IsEnd: false)));
        Assert.Equal(Positions(25, 30), Events(await feed.ReadAllAsync(24, FeedFilter.Everything, 99, None).ToListAsync(), new(30, IsEnd: true)));
        Assert.Equal([2L, 4, 6], Events(await feed.ReadAllAsync(0, new([], "ledger-s1", ""), 3, None).ToListAsync(), new(6, IsEnd: false)));
        Assert.Empty(Events(await feed.ReadAllAsync(0, new([], "", "nobody"), 3, None).ToListAsync(), new(30, IsEnd: true)));
        Assert.Equal([5L, 7], (await feed.ReadStreamAsync("ledger-s0", 3, [], 2, None).ToListAsync()).Select(e => e.Position));
        Assert.Equal(13, (await feed.ReadStreamAsync("ledger-s0", 3, [], 99, None).ToListAsync()).Count);
        Assert.Empty(await feed.ReadStreamAsync("ledger-s0", 16, [], 99, None).ToListAsync());
        Assert.Empty(await feed.ReadStreamAsync("ledger-s0", 1, ["ledger.opened"], 99, None).ToListAsync());

        var behind = await Assert.ThrowsAsync<RejectedException>(() => feed.ReadAllAsync(31, FeedFilter.Everything, 1, None).ToListAsync().AsTask());
        Assert.Equal((FeedErrors.PositionOutOfRange, "30"), (behind.Code, behind.Facts["newest_position"]));
        await Assert.ThrowsAsync<RejectedException>(() => feed.SubscribeAsync(31, FeedFilter.Everything, None).ToListAsync().AsTask());
        var missing = await Assert.ThrowsAsync<RejectedException>(() => feed.ReadStreamAsync("ledger-none", 1, [], 1, None).ToListAsync().AsTask());
        Assert.Equal(FeedErrors.StreamNotFound, missing.Code);

        static IEnumerable<long> Events(List<FeedMessage> messages, FeedMessage.Checkpoint last)
        {
            Assert.Equal(last, messages[^1]);
            return messages.SkipLast(1).Select(message => Assert.IsType<FeedMessage.Events>(message).Position);
        }
    }

    [SkippableFact]
    public async Task Open_calls_are_bounded()
    {
        await using var store = await StartAsync(fixture.NewStore(), null, ("Feed:MaxSubscribers", "2"));
        var feed = store.Services.GetRequiredService<EventFeed>();
        using var one = feed.Open();
        var two = feed.Open();
        var refused = Assert.Throws<RejectedException>(feed.Open);
        Assert.Equal(FeedErrors.TooManySubscribers, refused.Code);
        Assert.NotNull(refused.RetryAfter);
        two.Dispose();
        two.Dispose();
        feed.Open().Dispose();
        Assert.Equal(1, feed.OpenCalls);
    }

    private static IAsyncEnumerable<FeedMessage> Subscribe(StoreHarness store, long after, FeedFilter filter) =>
        store.Services.GetRequiredService<EventFeed>().SubscribeAsync(after, filter, None);

    private static async Task<FeedMessage> NextAsync(IAsyncEnumerator<FeedMessage> messages)
    {
        Assert.True(await messages.MoveNextAsync().AsTask().WaitAsync(Patience.Limit));
        return messages.Current;
    }

    private static async Task<List<long>> TakeAsync(StoreHarness store, long after, Func<FeedMessage.Events, bool> isLast, int pause = 0)
    {
        var seen = new List<long>();
        using var limit = new CancellationTokenSource(Patience.Limit);
        await foreach (var message in store.Services.GetRequiredService<EventFeed>().SubscribeAsync(after, FeedFilter.Everything, limit.Token))
        {
            if (message is FeedMessage.Events events)
            {
                seen.Add(events.Position);
                if (isLast(events))
                {
                    break;
                }

                if (pause > 0 && seen.Count % 20 == 0)
                {
                    await Task.Delay(pause, limit.Token);
                }
            }
        }

        return seen;
    }

    private static async Task<List<long>> UntilCaughtUpAsync(StoreHarness store, FeedFilter filter)
    {
        var seen = new List<long>();
        using var limit = new CancellationTokenSource(Patience.Limit);
        await foreach (var message in store.Services.GetRequiredService<EventFeed>().SubscribeAsync(0, filter, limit.Token))
        {
            if (message is FeedMessage.CaughtUp)
            {
                break;
            }

            if (message is FeedMessage.Events events)
            {
                seen.Add(events.Position);
            }
        }

        return seen;
    }

    private static async Task AppendAsync(StoreHarness store, string id, int count) =>
        await store.Store.AppendAsync(Append(id, ExpectedVersion.Any, [.. Enumerable.Range(1, count).Select(number => Booking(number))]), None);

    private static IEnumerable<long> Positions(long first, long last) => Enumerable.Range((int)first, (int)(last - first + 1)).Select(p => (long)p);
}

public sealed class SqliteFeedSpecs(SqliteFixture fixture) : FeedSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlFeedSpecs(PostgreSqlFixture fixture) : FeedSpecs<PostgreSqlFixture>(fixture);

public sealed class SqlServerFeedSpecs(SqlServerFixture fixture) : FeedSpecs<SqlServerFixture>(fixture);
