using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Subscriptions;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <content>Which process serves a group.</content>
public abstract partial class ConsumerGroupSpecs<TFixture>
{
    [SkippableFact]
    public async Task One_process_at_a_time_serves_a_group_and_the_next_takes_over_when_it_stops()
    {
        var settings = fixture.NewStore();
        var lease = QuickBut(("Feed:GroupLease", "00:00:03"));
        await using var two = await StartAsync(settings, null, lease);
        await using (var one = await StartAsync(settings, null, lease))
        {
            await CreateAsync(one, "a", "b");
            var member = await Groups(one).JoinAsync("group", 10, None);
            await TakeAsync(member, 1, acknowledge: true);
            await Task.Delay(TimeSpan.FromSeconds(4));
            var refused = await RefusedAsync(FeedErrors.GroupElsewhere, () => Groups(two).JoinAsync("group", 10, None));
            Assert.NotNull(refused.RetryAfter);
            await UntilAsync(async () => (await FindAsync(two)) is { Members: 1, Position: 1, InFlight: 1 });
        }

        using var next = await Groups(two).JoinAsync("group", 10, None);
        Assert.Equal([(2, 1)], await TakeAsync(next, 1));
    }

    [SkippableFact]
    public async Task A_holder_that_is_silent_is_replaced_and_what_it_still_says_changes_nothing()
    {
        var settings = fixture.NewStore();

        // It writes so rarely that to the other it is dead, as a process is that stands still and comes back.
        await using var one = await StartAsync(settings, null, QuickBut(("Feed:AckInterval", "00:00:20"), ("Feed:GroupLease", "00:01:00")));
        await using var two = await StartAsync(settings, null, Quick);
        await CreateAsync(one, "a", "b", "c");
        using var late = await Groups(one).JoinAsync("group", 10, None);
        await TakeAsync(late, 3, acknowledge: true);

        await RefusedAsync(FeedErrors.GroupElsewhere, () => Groups(two).JoinAsync("group", 10, None));
        GroupMember? next = null;
        await UntilAsync(async () =>
        {
            try
            {
                next = await Groups(two).JoinAsync("group", 10, None);
                return true;
            }
            catch (RejectedException refused) when (refused.Code == FeedErrors.GroupElsewhere)
            {
                return false;
            }
        });
        using var member = next!;
        Assert.Equal([(1, 1), (2, 1), (3, 1)], await TakeAsync(member, 3));

        // The first one's acknowledgements were never written, and are refused now that they are.
        await RefusedAsync(EngineErrors.NothingParked, () => Groups(one).RetryParkedAsync("group", "ledger-a", None));
        Assert.Equal(0, await Groups(one).RetryParkedAsync("group", null, None));
        await RefusedAsync(FeedErrors.GroupElsewhere, () => NextAsync(late));
        Assert.Equal([0L], await two.WriteColumnAsync("SELECT position FROM consumer_groups"));
        await RefusedAsync(FeedErrors.GroupElsewhere, () => Groups(one).JoinAsync("group", 10, None));
        member.Acknowledge([1, 2, 3]);
        await UntilAsync(async () => (await two.WriteColumnAsync("SELECT position FROM consumer_groups"))[0] == 3);
    }

    [SkippableFact]
    public async Task Any_process_retries_and_skips_the_parked_events_of_a_group_that_another_serves()
    {
        var settings = fixture.NewStore();
        await using var one = await StartAsync(settings, null, Quick);
        await using var two = await StartAsync(settings, null, Quick);
        await CreateAsync(one, "bad", "bad", "worse", "worse", "worst");
        using var member = await Groups(one).JoinAsync("group", 10, None);
        member.Fail((await NextAsync(member)).Id, "bad", park: true);
        member.Fail((await NextAsync(member)).Id, "worse", park: true);
        member.Fail((await NextAsync(member)).Id, "worst", park: true);
        await UntilAsync(async () => (await ParkedAsync(two)).Count == 5);

        Assert.Equal(2, await Groups(two).RetryParkedAsync("group", "ledger-bad", None));
        Assert.Equal([(1, 1), (2, 1)], await TakeAsync(member, 2, acknowledge: true));

        await Groups(two).SkipParkedAsync("group", 3, "ada", None);
        Assert.Equal([(4, 1)], await TakeAsync(member, 1, acknowledge: true));

        // With its only parked event skipped the stream goes on, also with what comes before that is noticed.
        await Groups(two).SkipParkedAsync("group", 5, "ada", None);
        await AppendAsync(one, "worst");
        Assert.Equal([(6, 1)], await TakeAsync(member, 1, acknowledge: true));
        await UntilAsync(async () => await StatusAsync(one) == (6, 0, 0));
    }

    [SkippableFact]
    public async Task Streams_that_were_parked_for_an_unknown_event_are_retried_by_a_process_that_takes_the_group()
    {
        var settings = fixture.NewStore();
        await using (var old = await StartAsync(settings, null, Quick))
        {
            await CreateAsync(old);
            await old.Store.AppendAsync(
                Append("a", ExpectedVersion.Any, new EventData(Guid.CreateVersion7(), "ledger.booked-later", 1, "{}"u8.ToArray()), Booking(1)), None);
            using var member = await Groups(old).JoinAsync("group", 10, None);
            await UntilAsync(async () => (await ParkedAsync(old)).Count == 2);
        }

        await using var newer = await StartAsync(
            settings,
            services => services.AddEvents(EventTypeRegistry.Create(types => types.Upcast("ledger.booked-later", 1, payload => (IEnumerable<JsonEvent>)[]))),
            Quick);
        using var next = await Groups(newer).JoinAsync("group", 10, None);
        Assert.Equal([(2, 1)], await TakeAsync(next, 1, acknowledge: true));
        await UntilAsync(async () => await StatusAsync(newer) == (2, 0, 0));
    }
}
