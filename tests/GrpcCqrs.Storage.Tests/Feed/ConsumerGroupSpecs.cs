using System.Collections.Concurrent;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Readers;
using GrpcCqrs.Storage.Subscriptions;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>What consumer groups promise, whatever the database.</summary>
public abstract partial class ConsumerGroupSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    private static readonly (string Key, string Value)[] Quick =
    [
        ("Feed:AckInterval", "00:00:00.010"), ("Feed:RetryDelay", "00:00:00.005"), ("Feed:MaxFailures", "3"), ("Feed:GroupLease", "00:00:01"),
        ("Feed:RetryAfter", "00:00:00.050"), ("Feed:RingEvents", "16"), ("Feed:PageSize", "7"), ("Feed:PollInterval", "00:00:00.020"),
    ];

    private static CancellationToken None => CancellationToken.None;

    [SkippableTheory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Streams_keep_their_order_under_random_acknowledgements_failures_and_departures(int seed)
    {
        const int Streams = 9;
        const int Events = 360;
        await using var store = await StartAsync(fixture.NewStore(), null, QuickBut(("Feed:MaxFailures", "1000"), ("Feed:GroupWindow", "40")));
        await Groups(store).CreateAsync("group", FeedFilter.Everything, 0, None);
        var done = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        var busy = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
        using var finished = new CancellationTokenSource();
        var consumers = Enumerable.Range(0, 4).Select(number => Task.Run(() => ConsumeAsync(new Random((seed * 100) + number)))).ToArray();
        var random = new Random(seed);
        for (var number = 0; number < Events; number++)
        {
            await AppendAsync(store, $"s{random.Next(Streams)}");
        }

        await UntilAsync(async () => (await FindAsync(store)).Position == Events || Array.Exists(consumers, consumer => consumer.IsFaulted));
        await finished.CancelAsync();
        await Task.WhenAll(consumers);
        Assert.Equal(Events, done.Values.Sum());
        Assert.Empty(await store.WriteColumnAsync("SELECT position FROM parked_events"));

        // The position is told before it is written.
        await UntilAsync(async () => (await store.WriteColumnAsync("SELECT position FROM consumer_acks")).Count == 0);

        async Task ConsumeAsync(Random chance)
        {
            while (!finished.IsCancellationRequested)
            {
                using var member = await Groups(store).JoinAsync("group", 1 + chance.Next(5), None);
                var kept = new List<(long Id, string Stream)>();
                for (var turns = chance.Next(60); turns >= 0 && !finished.IsCancellationRequested; turns--)
                {
                    var delivery = await NextOrNullAsync(member, TimeSpan.FromMilliseconds(20));
                    if (delivery?.Events[0].Record is { } record)
                    {
                        // Nobody else has the stream, and all events before this one are done: that is the promise.
                        var stream = record.Stream.ToString();
                        Assert.True(busy.TryAdd(stream, true), $"{stream} is with two at once.");
                        Assert.Equal(done.GetValueOrDefault(stream) + 1, record.Version);
                        kept.Add((delivery.Id, stream));
                    }

                    if (delivery is null || chance.Next(3) > 0)
                    {
                        kept.OrderBy(_ => chance.Next()).ToList().ForEach(one => Finish(member, one.Id, one.Stream, isDone: chance.Next(5) > 0));
                        kept.Clear();
                    }
                }

                kept.ForEach(left => busy.TryRemove(left.Stream, out _));
            }
        }

        void Finish(GroupMember member, long id, string stream, bool isDone)
        {
            busy.TryRemove(stream, out _);
            if (isDone)
            {
                done.AddOrUpdate(stream, 1, (_, version) => version + 1);
                member.Acknowledge([id]);
            }
            else
            {
                member.Fail(id, "by chance", park: false);
            }
        }
    }

    [SkippableFact]
    public async Task What_a_member_leaves_unacknowledged_is_delivered_to_another()
    {
        await using var store = await StartAsync(fixture.NewStore(), null, Quick);
        await CreateAsync(store, "a", "b", "c");
        var one = await Groups(store).JoinAsync("group", 2, None);
        Assert.Equal([(1, 1), (2, 1)], await TakeAsync(one, 2));
        using var two = await Groups(store).JoinAsync("group", 10, None);
        Assert.Equal([(3, 1)], await TakeAsync(two, 1));
        one.Acknowledge([2]);
        Assert.Equal((2, 2), ((await FindAsync(store)).Members, (await FindAsync(store)).InFlight));

        one.Dispose();

        Assert.Equal([(1, 2)], await TakeAsync(two, 1));
        one.Acknowledge([1]);
        Assert.Equal(0, (await FindAsync(store)).Position);
    }

    [SkippableFact]
    public async Task A_stream_that_keeps_failing_is_parked_while_the_others_go_on_and_can_be_retried()
    {
        await using var store = await StartAsync(fixture.NewStore(), null, Quick);
        await CreateAsync(store, "bad", "good", "bad");
        using var member = await Groups(store).JoinAsync("group", 10, None);
        await WorkAsync(member, 4, failing: "ledger-bad", reason: "cannot be");

        // Two that were there, and one that comes later.
        await AppendAsync(store, "bad");
        await AppendAsync(store, "good");
        Assert.Equal([(5, 1)], await TakeAsync(member, 1, acknowledge: true));
        await UntilAsync(async () => (await ParkedAsync(store)).Count == 3);
        Assert.Equal(
            [(1L, 3, "cannot be"), (3L, 0, null), (4L, 0, null)],
            (await ParkedAsync(store)).Select(row => (row.Position, row.Attempts, row.Error)));
        Assert.Equal((5, 3, 1), await StatusAsync(store));

        // Retried, it fails again at once, then is let through.
        Assert.Equal(3, await Groups(store).RetryParkedAsync("group", "ledger-bad", None));
        var again = await NextAsync(member);
        Assert.Equal((1, true), (again.Events[0].Record.Position, again.WasParked));
        member.Fail(again.Id, "still not", park: true);
        await UntilAsync(async () => (await ParkedAsync(store)) is [{ Attempts: 4, Error: "still not", IsRetrying: false }, _, _]);
        Assert.Equal(3, await Groups(store).RetryParkedAsync("group", "ledger-bad", None));
        await AppendAsync(store, "bad");
        Assert.Equal([(1, 1), (3, 1), (4, 1), (6, 1)], await TakeAsync(member, 4, acknowledge: true));
        await UntilAsync(async () => (await ParkedAsync(store)).Count == 0);
        await AppendAsync(store, "bad");
        Assert.Equal([(7, 1)], await TakeAsync(member, 1, acknowledge: true));
        await UntilAsync(async () => await StatusAsync(store) == (7, 0, 0));
        Assert.Equal(EngineErrors.NothingParked, (await Assert.ThrowsAsync<RejectedException>(() => Groups(store).RetryParkedAsync("group", "ledger-bad", None))).Code);
    }

    [SkippableFact]
    public async Task The_first_parked_event_of_a_stream_can_be_skipped_which_is_recorded()
    {
        await using var store = await StartAsync(fixture.NewStore(), null, Quick);
        await CreateAsync(store, "bad", "bad", "good");
        using (var member = await Groups(store).JoinAsync("group", 10, None))
        {
            await WorkAsync(member, 4, failing: "ledger-bad", reason: "cannot be");
        }

        var groups = Groups(store);
        await RefusedAsync(FeedErrors.ParkedRetrying, () => groups.SkipParkedAsync("group", 2, "ada", None));
        await RefusedAsync(EngineErrors.NothingParked, () => groups.SkipParkedAsync("group", 3, "ada", None));
        await groups.SkipParkedAsync("group", 1, "ada", None);
        await groups.SkipParkedAsync("group", 1, "bob", None);

        Assert.Equal(2, Assert.Single(await ParkedAsync(store)).Position);
        var skipped = Assert.Single(await groups.ListSkippedAsync(None));
        Assert.Equal(("group", 1, "ada"), (skipped.Reader, skipped.Position, skipped.User));
        await RefusedAsync(FeedErrors.ParkedRetrying, () => groups.SkipParkedAsync("group", 2, "ada", None));
        using var other = await Groups(store).JoinAsync("group", 10, None);
        Assert.Equal([(2, 1)], await TakeAsync(other, 1, acknowledge: true));
        await UntilAsync(async () => (await ParkedAsync(store)).Count == 0);
    }

    [SkippableFact]
    public async Task After_a_restart_what_was_acknowledged_does_not_come_again()
    {
        var settings = fixture.NewStore();
        await using (var store = await StartAsync(settings, null, Quick))
        {
            await CreateAsync(store, "a", "b", "bad", "c", "a", "b", "bad");
            using var member = await Groups(store).JoinAsync("group", 10, None);
            for (var taken = 0; taken < 5; taken++)
            {
                var delivery = await NextAsync(member);
                switch (delivery.Events[0].Record.Stream.Id)
                {
                    case "bad":
                        member.Fail(delivery.Id, "bad", park: true);
                        break;
                    case "a":
                        break;
                    default:
                        member.Acknowledge([delivery.Id]);
                        break;
                }
            }
        }

        await using var again = await StartAsync(settings, null, Quick);
        Assert.Equal([2L, 4, 6], await again.WriteColumnAsync("SELECT position FROM consumer_acks ORDER BY position"));
        using var next = await Groups(again).JoinAsync("group", 10, None);
        Assert.Equal([(1, 1), (5, 1)], await TakeAsync(next, 2, acknowledge: true));
        await AppendAsync(again, "b");
        await AppendAsync(again, "bad");
        Assert.Equal([(8, 1)], await TakeAsync(next, 1, acknowledge: true));
        await UntilAsync(async () => await StatusAsync(again) == (9, 3, 1));
        await UntilAsync(async () => (await again.WriteColumnAsync("SELECT position FROM consumer_acks")).Count == 0);
    }

    [SkippableFact]
    public async Task A_retry_that_was_asked_for_survives_a_restart_and_an_event_acknowledged_in_it_stays_so()
    {
        var settings = fixture.NewStore();
        await using (var store = await StartAsync(settings, null, Quick))
        {
            await CreateAsync(store, "slow", "bad", "bad", "bad");
            using var member = await Groups(store).JoinAsync("group", 10, None);
            await NextAsync(member);
            member.Fail((await NextAsync(member)).Id, "bad", park: true);
            await Groups(store).RetryParkedAsync("group", "ledger-bad", None);
            Assert.Equal([(2, 1)], await TakeAsync(member, 1, acknowledge: true));
        }

        // The first event was never acknowledged, so the group still stands before it.
        await using var again = await StartAsync(settings, null, Quick);
        Assert.Equal((0, 2, 1), await StatusAsync(again));
        using var next = await Groups(again).JoinAsync("group", 10, None);
        var seen = await TakeAsync(next, 3, acknowledge: true);
        Assert.Equal([(1, 1), (3, 1), (4, 1)], seen.Order());
        await UntilAsync(async () => await StatusAsync(again) == (4, 0, 0));
    }

    [SkippableFact]
    public async Task An_event_that_is_not_acknowledged_in_time_comes_again_and_one_that_cannot_be_read_is_parked()
    {
        await using var store = await StartAsync(fixture.NewStore(), null, [.. Quick, ("Feed:AckTimeout", "00:00:01")]);
        await CreateAsync(store, "a");
        await store.Store.AppendAsync(
            Append("b", ExpectedVersion.Any, new EventData(Guid.CreateVersion7(), "ledger.unheard-of", 1, "{}"u8.ToArray()), Booking(1)), None);
        using var member = await Groups(store).JoinAsync("group", 10, None);

        Assert.Equal([(1, 1), (1, 2)], await TakeAsync(member, 2));
        await UntilAsync(async () => (await ParkedAsync(store)).Count == 3);
        var parked = await ParkedAsync(store);
        Assert.StartsWith("Not acknowledged within", parked[0].Error, StringComparison.Ordinal);
        Assert.Contains("ledger.unheard-of", parked[1].Error, StringComparison.Ordinal);
        Assert.Null(parked[2].Error);
    }

    [SkippableFact]
    public async Task No_more_streams_are_parked_than_allowed_and_no_more_is_in_flight()
    {
        await using var store = await StartAsync(
            fixture.NewStore(), null, [.. Quick, ("Feed:GroupMaxParkedStreams", "1"), ("Feed:GroupMaxInFlight", "2"), ("Feed:MaxGroupMembers", "2")]);
        await CreateAsync(store, "a", "b", "c");
        using var member = await Groups(store).JoinAsync("group", 10, None);
        var first = await NextAsync(member);
        var second = await NextAsync(member);
        Assert.Equal(2, (await FindAsync(store)).InFlight);
        member.Fail(first.Id, "no", park: true);
        var third = await NextAsync(member);
        Assert.Equal((2, 3), (second.Events[0].Record.Position, third.Events[0].Record.Position));
        member.Acknowledge([third.Id]);
        member.Fail(second.Id, "no", park: true);
        Assert.Equal([(2, 2)], await TakeAsync(member, 1));
        await UntilAsync(async () => (await ParkedAsync(store)) is [{ Position: 1 }]);

        using var other = await Groups(store).JoinAsync("group", 1, None);
        await RefusedAsync(FeedErrors.GroupFull, () => Groups(store).JoinAsync("group", 1, None));
    }

    [SkippableFact]
    public async Task Definitions_are_kept_compared_listed_and_deleted()
    {
        await using var store = await StartAsync(fixture.NewStore(), null, [.. Quick, ("Feed:MaxGroups", "2")]);
        var groups = Groups(store);
        await AppendAsync(store, "a");
        var filter = new FeedFilter(["ledger.amount-booked"], "", "ledger");
        Assert.Equal(1, (await groups.CreateAsync("end", filter, null, None)).Position);
        await AppendAsync(store, "a");
        Assert.Equal(1, (await groups.CreateAsync("end", filter with { EventTypes = ["ledger.amount-booked"] }, null, None)).Position);
        await RefusedAsync(FeedErrors.GroupExists, () => groups.CreateAsync("end", filter, 1, None));
        await RefusedAsync(FeedErrors.GroupExists, () => groups.CreateAsync("end", FeedFilter.Everything, null, None));
        await RefusedAsync(FeedErrors.PositionOutOfRange, () => groups.CreateAsync("far", filter, 3, None));
        await groups.CreateAsync("begin", FeedFilter.Everything, 0, None);
        await RefusedAsync(FeedErrors.TooManyGroups, () => groups.CreateAsync("third", filter, 0, None));
        Assert.Equal([("begin", 0, 2), ("end", 1, 2)], (await groups.ListAsync(None)).Select(g => (g.Name, g.Position, g.Head)));

        using var member = await groups.JoinAsync("begin", 10, None);
        await NextAsync(member);
        await groups.DeleteAsync("begin", None);
        await RefusedAsync(FeedErrors.GroupNotFound, () => NextAsync(member));
        await RefusedAsync(FeedErrors.GroupNotFound, () => groups.DeleteAsync("begin", None));
        await RefusedAsync(FeedErrors.GroupNotFound, () => groups.JoinAsync("begin", 1, None));
        await RefusedAsync(FeedErrors.GroupNotFound, () => groups.ListParkedAsync("begin", (0, ""), 1, None));
        Assert.Equal("end", Assert.Single(await groups.ListAsync(None)).Name);
    }

    private static (string Key, string Value)[] QuickBut(params (string Key, string Value)[] other) =>
        [.. Quick.ExceptBy(other.Select(setting => setting.Key), setting => setting.Key), .. other];

    private static ConsumerGroups Groups(StoreHarness store) => store.Services.GetRequiredService<ConsumerGroups>();

    private static async Task CreateAsync(StoreHarness store, params string[] ids)
    {
        foreach (var id in ids)
        {
            await AppendAsync(store, id);
        }

        await Groups(store).CreateAsync("group", FeedFilter.Everything, 0, None);
    }

    private static async Task AppendAsync(StoreHarness store, string id) =>
        await store.Store.AppendAsync(Append(id, ExpectedVersion.Any, Booking(1)), None);

    private static async Task<Delivery?> NextOrNullAsync(GroupMember member, TimeSpan within)
    {
        using var limit = new CancellationTokenSource(within);
        try
        {
            return await member.ReadAsync(limit.Token).FirstAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private static async Task<Delivery> NextAsync(GroupMember member)
    {
        using var limit = new CancellationTokenSource(Patience.Limit);
        return await member.ReadAsync(limit.Token).FirstAsync(limit.Token);
    }

    private static async Task<List<(long Position, int Attempt)>> TakeAsync(GroupMember member, int count, bool acknowledge = false)
    {
        var taken = new List<(long, int)>();
        while (taken.Count < count)
        {
            var delivery = await NextAsync(member);
            taken.Add((delivery.Events[0].Record.Position, delivery.Attempt));
            if (acknowledge)
            {
                member.Acknowledge([delivery.Id]);
            }
        }

        return taken;
    }

    private static async Task WorkAsync(GroupMember member, int count, string failing, string reason)
    {
        for (var number = 0; number < count; number++)
        {
            var delivery = await NextAsync(member);
            if (delivery.Events[0].Record.Stream.ToString() == failing)
            {
                member.Fail(delivery.Id, reason, park: false);
            }
            else
            {
                member.Acknowledge([delivery.Id]);
            }
        }
    }

    private static Task<IReadOnlyList<ParkedEvent>> ParkedAsync(StoreHarness store) =>
        Groups(store).ListParkedAsync("group", (0, ""), 100, None);

    private static async Task<ConsumerGroupInfo> FindAsync(StoreHarness store) => Assert.Single(await Groups(store).ListAsync(None));

    private static async Task<(long Position, long ParkedEvents, long ParkedStreams)> StatusAsync(StoreHarness store)
    {
        var group = await FindAsync(store);
        return (group.Position, group.ParkedEvents, group.ParkedStreams);
    }

    private static async Task<RejectedException> RefusedAsync(ErrorCode code, Func<Task> attempt)
    {
        var refused = await Assert.ThrowsAsync<RejectedException>(attempt);
        Assert.Equal(code, refused.Code);
        return refused;
    }
}

public sealed class SqliteConsumerGroupSpecs(SqliteFixture fixture) : ConsumerGroupSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlConsumerGroupSpecs(PostgreSqlFixture fixture) : ConsumerGroupSpecs<PostgreSqlFixture>(fixture);

public sealed class SqlServerConsumerGroupSpecs(SqlServerFixture fixture) : ConsumerGroupSpecs<SqlServerFixture>(fixture);
