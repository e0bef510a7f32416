using System.Collections.Concurrent;
using System.Data.Common;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Operations;
using GrpcCqrs.Storage.PostgreSql;
using GrpcCqrs.Storage.Subscriptions;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>What the service's own subscriptions promise, whatever the database.</summary>
public abstract partial class SubscriptionSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    private protected const string Name = "subscription";

    private protected static readonly (string Key, string Value)[] Quick =
    [
        ("Feed:AckInterval", "00:00:00.010"), ("Feed:RetryDelay", "00:00:00.005"), ("Feed:MaxFailures", "3"), ("Feed:GroupLease", "00:00:01"),
        ("Feed:RetryAfter", "00:00:00.050"), ("Feed:PollInterval", "00:00:00.020"),
    ];

    private static readonly (string Key, string Value)[] Patient =
        [.. Quick.Where(setting => setting.Key != "Feed:MaxFailures"), ("Feed:MaxFailures", "1000")];

    private protected static CancellationToken None => CancellationToken.None;

    [SkippableFact]
    public async Task Each_event_is_handled_in_the_order_of_its_stream_and_a_restart_continues()
    {
        var settings = fixture.NewStore();
        var seen = new ConcurrentQueue<(string Stream, long Version)>();
        for (var run = 1; run <= 2; run++)
        {
            await using var store = await StartAsync(settings, Each((envelope, _, _) =>
            {
                seen.Enqueue((envelope.Record.Stream.Id, envelope.Record.Version));
                return Task.CompletedTask;
            }, options => options.MaxConcurrency = 4), Quick);
            for (var number = 0; number < 60; number++)
            {
                await AppendAsync(store, $"s{number % 5}");
            }

            await UntilAsync(() => seen.Count >= run * 60);
            await UntilAsync(async () => (await FindAsync(store)).Position == run * 60);
        }

        Assert.Equal(120, seen.Count);
        foreach (var stream in seen.GroupBy(each => each.Stream))
        {
            Assert.Equal(Enumerable.Range(1, 24).Select(version => (long)version), stream.Select(each => each.Version));
        }
    }

    [SkippableFact]
    public async Task Only_the_events_asked_for_are_handled_and_the_rest_need_not_be_known()
    {
        var seen = new ConcurrentQueue<object>();
        await using var store = await StartAsync(
            fixture.NewStore(),
            Each(
                (envelope, _, _) =>
                {
                    seen.Enqueue(envelope.Event);
                    return Task.CompletedTask;
                },
                options => options.Handle<AmountBooked>().Category = "ledger"),
            Quick);
        await store.Store.AppendAsync(
            Append("a", ExpectedVersion.Any, new EventData(Guid.CreateVersion7(), "ledger.unheard-of", 1, "{}"u8.ToArray()), Booking(7)), None);
        await store.Store.AppendAsync(
            new AppendRequest
            {
                Stream = new StreamId("other", "a"), ExpectedVersion = ExpectedVersion.Any, Events = [Booking(9)],
                Metadata = new EventMetadata(Guid.CreateVersion7(), "", "", ""),
            },
            None);
        await UntilAsync(async () => (await FindAsync(store)) is { Position: 3, ParkedEvents: 0 });
        Assert.Equal([new AmountBooked(7)], seen);
    }

    [SkippableFact]
    public async Task A_subscription_that_starts_at_the_end_handles_what_comes_after_its_first_start()
    {
        var settings = fixture.NewStore();
        await using (var before = await StoreHarness.StartAsync(settings, null, Quick))
        {
            await AppendAsync(before, "a");
        }

        var seen = new ConcurrentQueue<long>();
        await using var store = await StartAsync(
            settings,
            Each(
                (envelope, _, _) =>
                {
                    seen.Enqueue(envelope.Record.Position);
                    return Task.CompletedTask;
                },
                options => options.Start = SubscriptionStart.End),
            Quick);
        await UntilAsync(async () => (await Groups(store).ListAsync(None)).Count == 1);
        await AppendAsync(store, "a");
        await UntilAsync(async () => (await FindAsync(store)).Position == 2);
        Assert.Equal([2L], seen);
    }

    [SkippableFact]
    public async Task A_failing_event_is_parked_with_its_stream_and_operators_retry_and_skip_it()
    {
        var isMended = false;
        var seen = new ConcurrentQueue<(long Position, int Attempt)>();
        await using var store = await StartAsync(
            fixture.NewStore(),
            Each((envelope, context, _) =>
            {
                if (envelope.Record.Stream.Id == "bad" && !Volatile.Read(ref isMended))
                {
                    throw new InvalidOperationException("The printer is on fire.");
                }

                seen.Enqueue((envelope.Record.Position, context.Attempt));
                return Task.CompletedTask;
            }),
            Quick);
        foreach (var stream in (string[])["bad", "good", "bad", "good", "bad"])
        {
            await AppendAsync(store, stream);
        }

        var parking = store.Services.GetRequiredService<ParkedEventOperations>();
        await UntilAsync(async () => (await parking.ListAsync("", (0, ""), 10, None)).Count == 3);
        var parked = await parking.ListAsync($"consumerGroups/{Name}", (0, ""), 10, None);
        Assert.Equal([(1L, 3), (3L, 0), (5L, 0)], parked.Select(each => (each.Position, each.Attempts)));
        Assert.Equal("InvalidOperationException: The printer is on fire.", parked[0].Error);
        Assert.Equal([(2L, 1), (4L, 1)], seen);

        Volatile.Write(ref isMended, true);
        await parking.SkipAsync($"consumerGroups/{Name}", 1, "ada", None);
        await UntilAsync(async () => (await FindAsync(store)) is { Position: 5, ParkedEvents: 0 });
        Assert.Equal([3L, 5L], seen.Skip(2).Select(each => each.Position));
    }

    [SkippableFact]
    public async Task A_command_that_is_sent_because_of_an_event_takes_effect_once_however_often_the_event_is_handled()
    {
        const int Events = 5;
        var attempts = 0;
        StoreHarness? running = null;
        await using var store = running = await StartAsync(
            fixture.NewStore(),
            Each(
                async (envelope, context, cancelled) =>
                {
                    await running!.Ledgers.UpdateAsync("copies", context.ForCommand(TimeProvider.System.GetUtcNow()), ledger => ledger.Book(1), cancelled);
                    if (Interlocked.Increment(ref attempts) % 2 == 1)
                    {
                        throw new InvalidOperationException("Right after the command.");
                    }
                },
                options => options.Category = "source"),
            Patient);
        for (var number = 0; number < Events; number++)
        {
            await store.Store.AppendAsync(
                new AppendRequest
                {
                    Stream = new StreamId("source", $"{number}"), ExpectedVersion = ExpectedVersion.Any, Events = [Booking(1)],
                    Metadata = new EventMetadata(Guid.CreateVersion7(), "the-correlation", "", ""),
                },
                None);
        }

        await UntilAsync(async () => (await FindAsync(store)).Position == 2 * Events);
        var copies = (await store.Store.ReadStreamAsync(new StreamId("ledger", "copies"), 1, 10, None)).Events;
        Assert.Equal(Events, copies.Count);
        Assert.All(copies, copy => Assert.Equal(($"subscription {Name}", "the-correlation"), (copy.Metadata.User, copy.Metadata.CorrelationId)));
        Assert.Equal(2 * Events, attempts);
    }

    [SkippableFact]
    public async Task A_handler_may_take_longer_than_a_client_and_its_event_is_handled_once()
    {
        var handled = 0;
        await using var store = await StartAsync(
            fixture.NewStore(),
            Each(async (_, _, cancelled) =>
            {
                await Task.Delay(600, cancelled);
                Interlocked.Increment(ref handled);
            }),
            [.. Quick, ("Feed:AckTimeout", "00:00:00.100")]);
        await AppendAsync(store, "a");
        await UntilAsync(async () => (await FindAsync(store)).Position == 1);
        Assert.Equal(1, handled);
    }

    [SkippableFact]
    public async Task An_event_of_a_base_type_that_this_version_does_not_know_waits_for_one_that_does()
    {
        var settings = fixture.NewStore();
        var seen = new ConcurrentQueue<long>();
        var handler = Each(
            (envelope, _, _) =>
            {
                seen.Enqueue(envelope.Record.Position);
                return Task.CompletedTask;
            },
            options => options.Handle<LedgerEvent>());
        await using (var old = await StartAsync(settings, handler, Quick))
        {
            await old.Store.AppendAsync(
                Append("a", ExpectedVersion.Any, new EventData(Guid.CreateVersion7(), "ledger.booked-later", 1, """{"Amount":3}"""u8.ToArray())), None);
            await AppendAsync(old, "b");
            await UntilAsync(async () => (await FindAsync(old)) is { Position: 2, ParkedEvents: 1 });
        }

        await using var newer = await StartAsync(
            settings,
            services =>
            {
                handler(services);
                services.AddEvents(EventTypeRegistry.Create(types => types.Upcast(
                    "ledger.booked-later", 1, payload => [new JsonEvent("ledger.amount-booked", 1, payload)])));
            },
            Quick);
        await UntilAsync(async () => (await FindAsync(newer)).ParkedEvents == 0);
        Assert.Equal([2L, 1], seen);
    }

    [SkippableFact]
    public async Task Operators_who_skip_the_same_event_at_once_skip_it_once()
    {
        await using var store = await StartAsync(
            fixture.NewStore(), Each((_, _, _) => throw new InvalidOperationException("Never.")), Quick);
        await AppendAsync(store, "a");
        await UntilAsync(async () => (await FindAsync(store)).ParkedEvents == 1);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(number => Groups(store).SkipParkedAsync(Name, 1, $"user {number}", None)));
        Assert.Single(await Groups(store).ListSkippedAsync(None));
    }

    [SkippableFact]
    public async Task Clients_neither_join_nor_delete_the_group_of_a_subscription_until_no_process_has_it()
    {
        var settings = fixture.NewStore();
        await using (var store = await StartAsync(settings, Each((_, _, _) => Task.CompletedTask), Quick))
        {
            await UntilAsync(async () => (await Groups(store).ListAsync(None)) is [{ IsInProcess: true, Members: 1 }]);
            await RefusedAsync(FeedErrors.GroupInProcess, () => Groups(store).JoinAsync(Name, 1, None));
            await RefusedAsync(FeedErrors.GroupInProcess, () => Groups(store).DeleteAsync(Name, None));
            await RefusedAsync(FeedErrors.GroupExists, () => Groups(store).CreateAsync(Name, FeedFilter.Everything, 0, None));
        }

        await using var later = await StoreHarness.StartAsync(settings, null, Quick);
        await RefusedAsync(FeedErrors.GroupInProcess, () => Groups(later).JoinAsync(Name, 1, None));
        await Groups(later).DeleteAsync(Name, None);
        Assert.Empty(await Groups(later).ListAsync(None));
    }

    [SkippableFact]
    public async Task A_changed_subscription_asks_for_other_events_from_where_it_was()
    {
        var settings = fixture.NewStore();
        var seen = new ConcurrentQueue<long>();
        foreach (var category in (string[])["other", "ledger"])
        {
            await using var store = await StartAsync(
                settings,
                Each(
                    (envelope, _, _) =>
                    {
                        seen.Enqueue(envelope.Record.Position);
                        return Task.CompletedTask;
                    },
                    options => options.Category = category),
                Quick);
            await AppendAsync(store, "a");
            await UntilAsync(async () => (await FindAsync(store)).Position == await store.Store.ReadHeadAsync(None));
        }

        Assert.Equal([2L], seen);
    }

    [Fact]
    public void A_malformed_or_taken_name_and_an_option_out_of_range_are_refused_when_it_is_registered()
    {
        var services = new ServiceCollection();
        Assert.Throws<ArgumentException>(() => services.AddSubscription<EachHandler>("No Name"));
        Assert.Throws<ArgumentException>(() => services.AddSubscription<EachHandler>("x", options => options.MaxConcurrency = 0));
        services.AddSubscription<EachHandler>("x");
        Assert.Throws<ArgumentException>(() => services.AddTransactionalSubscription<OnceHandler>("x"));
    }

    private static ConsumerGroups Groups(StoreHarness store) => store.Services.GetRequiredService<ConsumerGroups>();

    private protected static async Task<ConsumerGroupInfo> FindAsync(StoreHarness store)
    {
        await UntilAsync(async () => (await Groups(store).ListAsync(None)).Count == 1);
        return Assert.Single(await Groups(store).ListAsync(None));
    }

    private protected static Task<StoreHarness> StartAsync(
        IReadOnlyDictionary<string, string?> settings, Action<IServiceCollection> configure, params (string Key, string Value)[] more) =>
        StoreHarness.StartAsync(settings, configure, more);

    private protected static async Task AppendAsync(StoreHarness store, string id) => await store.Store.AppendAsync(Append(id, ExpectedVersion.Any, Booking(1)), None);

    private static async Task RefusedAsync(ErrorCode code, Func<Task> attempt) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<RejectedException>(attempt)).Code);

    private static Action<IServiceCollection> Each(
        Func<EventEnvelope, SubscriptionContext, CancellationToken, Task> handle, Action<SubscriptionOptions>? configure = null) =>
        services => services.AddSingleton(handle).AddSubscription<EachHandler>(Name, configure);

    private protected static Action<IServiceCollection> Once(Func<EventEnvelope, DbTransaction, CancellationToken, Task> handle) =>
        services => services.AddSingleton(handle).AddTransactionalSubscription<OnceHandler>(Name, options => options.MaxConcurrency = 8);

    private sealed class EachHandler(Func<EventEnvelope, SubscriptionContext, CancellationToken, Task> handle) : ISubscriptionHandler
    {
        public Task HandleAsync(EventEnvelope envelope, SubscriptionContext context, CancellationToken cancellationToken) => handle(envelope, context, cancellationToken);
    }

    private sealed class OnceHandler(Func<EventEnvelope, DbTransaction, CancellationToken, Task> handle) : ITransactionalSubscriptionHandler
    {
        public Task HandleAsync(EventEnvelope envelope, DbTransaction transaction, CancellationToken cancellationToken) => handle(envelope, transaction, cancellationToken);
    }
}

public sealed class SqliteSubscriptionSpecs(SqliteFixture fixture) : SubscriptionSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlSubscriptionSpecs(PostgreSqlFixture fixture) : SubscriptionSpecs<PostgreSqlFixture>(fixture)
{
    private readonly PostgreSqlFixture fixture = fixture;

    [SkippableFact]
    public async Task A_process_that_stopped_within_a_handler_is_replaced()
    {
        var settings = fixture.NewStore();
        var handled = 0;
        await using (var first = await StartAsync(settings, Once((_, _, _) => Task.CompletedTask), Quick))
        {
            await AppendAsync(first, "a");
            await UntilAsync(async () => (await FindAsync(first)).Position == 1);
        }

        // What a process that got SIGSTOP leaves behind: an open transaction that has locked the lease.
        var provider = new PostgreSqlProvider();
        await using var stopped = provider.CreateConnection(settings["Storage:Write:ConnectionString"]!);
        await stopped.OpenAsync();
        await provider.PrepareAsync(stopped, ConnectionUse.Bookkeeping, TimeSpan.FromSeconds(1), None);
        await stopped.ExecuteAsync("UPDATE leases SET holder = 'stopped', fence = fence + 1");
        await stopped.ExecuteAsync("BEGIN; UPDATE leases SET beat = beat + 1");

        await using var next = await StartAsync(
            settings,
            Once((_, _, _) =>
            {
                Interlocked.Increment(ref handled);
                return Task.CompletedTask;
            }),
            Quick);
        await AppendAsync(next, "a");
        await UntilAsync(() => Volatile.Read(ref handled) == 1);
        await Assert.ThrowsAnyAsync<DbException>(() => stopped.ExecuteAsync("COMMIT"));
    }
}

public sealed class SqlServerSubscriptionSpecs(SqlServerFixture fixture) : SubscriptionSpecs<SqlServerFixture>(fixture);
