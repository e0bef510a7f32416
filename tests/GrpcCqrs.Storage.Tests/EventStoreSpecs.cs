using System.Data.Common;
using GrpcCqrs.EventSourcing;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>What an event store promises, whatever the database.</summary>
public abstract class EventStoreSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    private static CancellationToken None => CancellationToken.None;

    [SkippableFact]
    public async Task Appended_events_are_read_back_as_they_were_written()
    {
        await using var store = await StartAsync(fixture.NewStore());
        var events = new[] { Booking(1), Booking(-2) };
        var request = Append("a", ExpectedVersion.None, events);

        var result = await store.Store.AppendAsync(request, None);

        Assert.Equal(new AppendResult.Appended(2, 2), result);
        var page = await store.Store.ReadStreamAsync(new StreamId("ledger", "a"), 1, 10, None);
        Assert.True(page.IsEnd);
        Assert.Equal([1L, 2L], page.Events.Select(e => e.Version));
        Assert.Equal([1L, 2L], page.Events.Select(e => e.Position));
        Assert.Equal(events.Select(e => e.EventId), page.Events.Select(e => e.EventId));
        Assert.Equal(events.Select(e => e.Payload.ToArray()), page.Events.Select(e => e.Payload.ToArray()));
        Assert.All(page.Events, e => Assert.Equal(request.Metadata, e.Metadata));
        Assert.All(page.Events, e => Assert.Equal(("ledger.amount-booked", 1), (e.Type, e.SchemaVersion)));
    }

    [SkippableTheory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Append_with_a_wrong_expected_version_leaves_nothing_behind(long expected)
    {
        await using var store = await StartAsync(fixture.NewStore());
        await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1), Booking(2)), None);
        var request = Append("a", ExpectedVersion.Exactly(expected), Booking(3)) with
        {
            Command = new CommandToRecord(Guid.CreateVersion7(), new byte[32], 3, 0, null),
            Claims = [new UniqueKey("scope", "key")],
            Audit = Context().AuditEntry(),
        };

        var result = await store.Store.AppendAsync(request, None);

        Assert.Equal(new AppendResult.WrongExpectedVersion(2), result);
        Assert.Equal(2, await store.Store.ReadHeadAsync(None));
        Assert.Equal([0L], await store.WriteColumnAsync("SELECT (SELECT COUNT(*) FROM commands) + (SELECT COUNT(*) FROM unique_keys) + (SELECT COUNT(*) FROM audit)"));
    }

    [SkippableFact]
    public async Task Of_racing_appends_at_one_version_exactly_one_wins()
    {
        await using var store = await StartAsync(fixture.NewStore());

        var results = await Task.WhenAll(Enumerable.Range(0, 64).Select(
            number => Task.Run(() => store.Store.AppendAsync(Append("a", ExpectedVersion.None, Booking(number)), None).AsTask())));

        Assert.Single(results.OfType<AppendResult.Appended>());
        Assert.Equal(63, results.OfType<AppendResult.WrongExpectedVersion>().Count(v => v.ActualVersion == 1));
        Assert.Equal(1, await store.Store.ReadHeadAsync(None));
    }

    [SkippableFact]
    public async Task Positions_are_gap_free_and_a_reader_never_sees_a_smaller_one_appear_later()
    {
        await using var store = await StartAsync(fixture.NewStore());
        using var done = new CancellationTokenSource();
        var reading = Task.Run(async () =>
        {
            var seen = 0L;
            while (true)
            {
                var isLast = done.IsCancellationRequested;
                var page = await store.Store.ReadAllAsync(seen, 50, None);
                foreach (var record in page.Events)
                {
                    Assert.Equal(seen + 1, record.Position);
                    seen = record.Position;
                }

                if (isLast && page.IsEnd)
                {
                    return seen;
                }
            }
        });

        await Task.WhenAll(Enumerable.Range(0, 16).Select(writer => Task.Run(async () =>
        {
            for (var number = 0; number < 25; number++)
            {
                // Every other append loses, which must cost no position.
                await store.Store.AppendAsync(Append($"w{writer}", ExpectedVersion.Any, Booking(1), Booking(2)), None);
                await store.Store.AppendAsync(Append($"w{writer}", ExpectedVersion.None, Booking(3)), None);
            }
        })));
        await done.CancelAsync();

        Assert.Equal(16 * 25 * 2, await reading);
        Assert.Equal([0L], await store.WriteColumnAsync(
            "SELECT COUNT(*) FROM (SELECT stream, COUNT(*) AS n, MIN(version) AS lo, MAX(version) AS hi FROM events GROUP BY stream) s WHERE lo <> 1 OR hi <> n"));
    }

    [SkippableFact]
    public async Task Of_racing_claims_to_a_key_exactly_one_wins_and_a_freed_key_can_be_claimed()
    {
        await using var store = await StartAsync(fixture.NewStore());
        var key = new UniqueKey("scope", "name");

        var results = await Task.WhenAll(Enumerable.Range(0, 32).Select(number => Task.Run(() =>
            store.Store.AppendAsync(Append($"s{number}", ExpectedVersion.None, Booking(1)) with { Claims = [key] }, None).AsTask())));

        var winner = Assert.Single(results.Index(), pair => pair.Item is AppendResult.Appended).Index;
        Assert.Equal(31, results.Count(result => result == new AppendResult.UniqueKeyTaken(key)));
        Assert.Equal(1, await store.Store.ReadHeadAsync(None));

        await store.Store.AppendAsync(Append($"s{winner}", ExpectedVersion.Any, Booking(2)) with { Releases = [key] }, None);
        Assert.IsType<AppendResult.Appended>(
            await store.Store.AppendAsync(Append("other", ExpectedVersion.None, Booking(1)) with { Claims = [key] }, None));
    }

    [SkippableFact]
    public async Task A_key_is_not_freed_by_a_stream_that_does_not_hold_it()
    {
        await using var store = await StartAsync(fixture.NewStore());
        var key = new UniqueKey("scope", "name");
        await store.Store.AppendAsync(Append("holder", ExpectedVersion.None, Booking(1)) with { Claims = [key] }, None);

        // Racing, so that some meet in one transaction.
        var results = await Task.WhenAll(Enumerable.Range(0, 64).Select(number => Task.Run(() => store.Store.AppendAsync(
            number % 2 == 0
                ? Append($"s{number}", ExpectedVersion.Any, Booking(1)) with { Releases = [key] }
                : Append($"s{number}", ExpectedVersion.Any, Booking(1)) with { Claims = [key] },
            None).AsTask())));

        Assert.Equal(32, results.Count(result => result == new AppendResult.UniqueKeyTaken(key)));
        Assert.Equal(32, results.OfType<AppendResult.Appended>().Count());
    }

    [SkippableFact]
    public async Task A_repeated_command_gets_the_first_answer_also_while_racing_and_after_a_restart()
    {
        var settings = fixture.NewStore();
        var command = new CommandToRecord(Guid.CreateVersion7(), new byte[32], 1, 0, "reply");
        await using (var store = await StartAsync(settings))
        {
            var results = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() =>
                store.Store.AppendAsync(Append("a", ExpectedVersion.None, Booking(1)) with { Command = command }, None).AsTask())));

            Assert.Single(results.OfType<AppendResult.Appended>());
            Assert.Equal(15, results.OfType<AppendResult.DuplicateCommand>().Count(v => v.First.Result is { Version: 1, Position: 1, Reply: "reply" }));
        }

        await using var again = await StartAsync(settings);
        var first = await again.Store.FindCommandAsync(command.CommandId, None);
        Assert.Equal(new CommandResult(new StreamId("ledger", "a"), 1, 1, "reply"), first?.Result);
        Assert.Equal(1, await again.Store.ReadHeadAsync(None));
        Assert.Null(await again.Store.FindCommandAsync(Guid.CreateVersion7(), None));
    }

    [SkippableFact]
    public async Task A_bad_append_does_not_fail_its_neighbours()
    {
        await using var store = await StartAsync(fixture.NewStore());
        await fixture.RefuseCorrelationAsync(await store.OpenWriteAsync(), "refuse");

        var appends = Enumerable.Range(0, 20).Select(number => Task.Run(async () =>
        {
            var request = Append($"s{number}", ExpectedVersion.None, Booking(number));
            try
            {
                return await store.Store.AppendAsync(
                    number % 5 == 0 ? request with { Metadata = request.Metadata! with { CorrelationId = "refuse" } } : request, None);
            }
            catch (DbException)
            {
                return null;
            }
        }));
        var results = await Task.WhenAll(appends);

        Assert.Equal(16, results.OfType<AppendResult.Appended>().Count());
        Assert.Equal(Enumerable.Range(1, 16).Select(p => (long)p), await store.WriteColumnAsync("SELECT position FROM events ORDER BY position"));
    }

    [SkippableFact]
    public async Task A_malformed_append_is_refused_before_it_is_queued()
    {
        await using var store = await StartAsync(fixture.NewStore());
        var good = Append("a", ExpectedVersion.Any, Booking(1));
        AppendRequest[] malformed =
        [
            good with { Metadata = null },
            good with { Stream = null },
            good with { Stream = new StreamId("ledger", new string('x', StreamId.MaxLength)) },
            good with { Events = [Booking(1) with { Type = null! }] },
            good with { Events = [Booking(1) with { Type = new string('x', 201) }] },
            good with { Claims = [new UniqueKey("scope", new string('x', 201))] },
            good with { Claims = [new UniqueKey("scope", "ends in a space ")] },
            good with { Stream = new StreamId("ledger", "half of a pair \ud83d") },
            good with { Stream = new StreamId("ledger", "null\0") },
            good with { Command = new CommandToRecord(Guid.CreateVersion7(), new byte[32], 1, 0, new string('x', 1_001)) },
        ];

        foreach (var request in malformed)
        {
            await Assert.ThrowsAsync<ArgumentException>(() => store.Store.AppendAsync(request, None).AsTask());
        }

        Assert.Equal(0, await store.Store.ReadHeadAsync(None));
    }

    [SkippableFact]
    public async Task An_append_cancelled_before_it_is_queued_writes_nothing()
    {
        await using var store = await StartAsync(fixture.NewStore());
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1)), cancelled.Token).AsTask());

        Assert.Equal(0, await store.Store.ReadHeadAsync(None));
    }

    [SkippableFact]
    public async Task Times_never_run_backwards_even_where_the_clock_does()
    {
        var clock = new SteppedClock(DateTimeOffset.UnixEpoch.AddYears(50));
        await using var store = await StartAsync(fixture.NewStore(), services => services.AddClock(clock));
        foreach (var step in new[] { 10, -3_600, 5, -7 })
        {
            clock.Step(TimeSpan.FromSeconds(step));
            await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(step)), None);
        }

        var times = (await store.Store.ReadAllAsync(0, 10, None)).Events.Select(e => e.Time).ToArray();
        Assert.Equal(times.Order(), times);
        Assert.Equal(4, times.Length);
    }

    [SkippableFact]
    public async Task Reads_are_paged_by_count_and_by_size()
    {
        await using var store = await StartAsync(fixture.NewStore());
        var large = Booking(1) with { Payload = new byte[3 * 1024 * 1024] };
        await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, large, large, large, large, large), None);

        var byCount = await store.Store.ReadAllAsync(1, 2, None);
        Assert.Equal([2L, 3L], byCount.Events.Select(e => e.Position));
        Assert.False(byCount.IsEnd);

        var bySize = await store.Store.ReadStreamAsync(new StreamId("ledger", "a"), 1, 100, None);
        Assert.Equal([1L, 2L, 3L], bySize.Events.Select(e => e.Version));
        Assert.False(bySize.IsEnd);

        var missing = await store.Store.ReadStreamAsync(new StreamId("ledger", "missing"), 1, 100, None);
        Assert.Empty(missing.Events);
        Assert.True(missing.IsEnd);
    }

    [SkippableFact]
    public async Task A_crowd_on_one_aggregate_loses_no_update()
    {
        await using var store = await StartAsync(fixture.NewStore());

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(async () =>
        {
            try
            {
                await store.Ledgers.UpdateAsync("a", Context(), ledger => ledger.Book(1), None);
                return 1;
            }
            catch (RejectedException exception) when (exception.Code == EngineErrors.TooMuchContention)
            {
                return 0;
            }
        })));

        var loaded = await store.Ledgers.LoadAsync("a", None);
        Assert.Equal(outcomes.Sum(), loaded.State.Balance);
        Assert.Equal(outcomes.Sum(), loaded.Version);
        Assert.True(loaded.Version >= AggregateStore<Ledger, LedgerEvent>.MaxAttempts);
    }
}

public sealed class SqliteEventStoreSpecs(SqliteFixture fixture) : EventStoreSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlEventStoreSpecs(PostgreSqlFixture fixture) : EventStoreSpecs<PostgreSqlFixture>(fixture);

public sealed class RepeatableReadPostgreSqlEventStoreSpecs(RepeatableReadPostgreSqlFixture fixture)
    : EventStoreSpecs<RepeatableReadPostgreSqlFixture>(fixture);

public sealed class SerializablePostgreSqlEventStoreSpecs(SerializablePostgreSqlFixture fixture)
    : EventStoreSpecs<SerializablePostgreSqlFixture>(fixture);

public sealed class SqlServerEventStoreSpecs(SqlServerFixture fixture) : EventStoreSpecs<SqlServerFixture>(fixture);

public sealed class LockingSqlServerEventStoreSpecs(LockingSqlServerFixture fixture) : EventStoreSpecs<LockingSqlServerFixture>(fixture);
