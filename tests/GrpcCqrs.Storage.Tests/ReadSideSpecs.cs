using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Projections;
using GrpcCqrs.Storage.Schema;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>The balances again, which can take a single stream out and fold it anew.</summary>
public sealed class StreamBalanceProjection : BalanceProjection, IStreamProjection
{
    public IReadOnlyList<ProjectedRows> Rows { get; } = [new("balances", "SELECT id, balance FROM {balances}", "id")];

    public Task RemoveAsync(StreamId stream, IProjectionTables tables, CancellationToken cancellationToken) =>
        tables.ExecuteAsync("DELETE FROM {balances} WHERE id = @id", [("id", stream.Id)], cancellationToken);
}

/// <summary>What operators can do with the read model, and what a bad event does to it, whatever the database.</summary>
public abstract class ReadSideSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    private const string User = "operator";

    private static CancellationToken None => CancellationToken.None;

    [SkippableFact]
    public async Task A_bad_event_parks_its_stream_while_the_others_go_on_and_is_applied_when_it_is_retried()
    {
        var balances = new StreamBalanceProjection { IsPoisoned = true };
        await using var store = await StartImpatientAsync(fixture.NewStore(), balances);
        await BookAsync(store, "a", 1, 2);
        await BookAsync(store, "b", 5, 13, 7);
        var last = await BookAsync(store, "a", 3);
        await UntilAsync(() => store.Projections is [{ Position: 6 }]);
        var behind = await BookAsync(store, "b", 100);
        await UntilAsync(() => store.Projections is [{ Position: 7, ParkedEvents: 3, FailedAttempts: 0 }]);

        Assert.Equal([("a", 6L), ("b", 5L)], await BalancesAsync(store));
        Assert.Equal([(4L, true), (5L, false), (7L, false)], (await store.Operations.ListParkedAsync("", 0, 10, None)).Select(e => (e.Position, e.Error is not null)));
        await store.ReadModel.WaitForAsync(last, ["balances"], new StreamId("ledger", "a"), None);
        await store.ReadModel.WaitForAsync(3, ["balances"], null, None);
        var parked = await Assert.ThrowsAsync<RejectedException>(() => store.ReadModel.WaitForAsync(behind, ["balances"], new StreamId("ledger", "b"), None).AsTask());
        Assert.Equal(EngineErrors.ProjectionParked, parked.Code);
        Assert.Equal(
            EngineErrors.ProjectionParked,
            (await Assert.ThrowsAsync<RejectedException>(() => store.ReadModel.WaitForAsync(4, [], null, None).AsTask())).Code);

        var inVain = await store.Operations.RetryParkedAsync("balances", null, User, None);
        Assert.Equal((0, 1), (inVain.Events, inVain.StillParked));
        Assert.Equal([("a", 6L), ("b", 5L)], await BalancesAsync(store));

        balances.IsPoisoned = false;
        var retried = await store.Operations.RetryParkedAsync("balances", "ledger-b", User, None);
        Assert.Equal((3, 0), (retried.Events, retried.StillParked));
        Assert.Equal([("a", 6L), ("b", 125L)], await BalancesAsync(store));
        Assert.Empty(await store.Operations.ListParkedAsync("", 0, 10, None));
        await store.ReadModel.WaitForAsync(behind, [], null, None);
    }

    [SkippableFact]
    public async Task What_is_parked_survives_a_restart_and_a_skipped_event_is_left_out_also_of_a_rebuild()
    {
        var settings = fixture.NewStore();
        await using (var store = await StartImpatientAsync(settings, new StreamBalanceProjection { IsPoisoned = true }))
        {
            await BookAsync(store, "b", 5, 13, 7);
            await UntilAsync(() => store.Projections is [{ Position: 3, ParkedEvents: 2 }]);
        }

        await using var again = await StartImpatientAsync(settings, new StreamBalanceProjection { IsPoisoned = true });
        await UntilAsync(() => again.Projections is [{ Position: 3, ParkedEvents: 2 }]);
        await BookAsync(again, "b", 1);
        await UntilAsync(() => again.Projections is [{ Position: 4, ParkedEvents: 3 }]);
        Assert.Equal(
            EngineErrors.NothingParked,
            (await Assert.ThrowsAsync<RejectedException>(() => again.Operations.SkipParkedAsync("balances", 3, User, None))).Code);

        await again.Operations.SkipParkedAsync("balances", 2, User, None);
        Assert.Equal([("b", 13L)], await BalancesAsync(again));
        var skipped = Assert.Single(await again.Operations.ListSkippedAsync(None));
        Assert.Equal((2L, "ledger-b", User, 1), (skipped.Position, skipped.Stream, skipped.User, skipped.Version));

        await again.Operations.RebuildAsync(["balances"], holdOnDifference: true, User, None);
        await UntilAsync(() => again.Projections.Any(p => p.State == GenerationState.Previous));
        Assert.Equal([("b", 13L)], await BalancesAsync(again));
    }

    [SkippableFact]
    public async Task A_projection_that_cannot_leave_a_stream_behind_stands_still_until_the_event_is_skipped()
    {
        await using var store = await StartImpatientAsync(fixture.NewStore(), new BalanceProjection { IsPoisoned = true });
        await BookAsync(store, "b", 5, 13, 7);
        await UntilAsync(() => store.Projections is [{ Position: 1, FailedAttempts: > 3 }]);

        await store.Operations.SkipParkedAsync("balances", 2, User, None);
        await UntilAsync(() => store.Projections is [{ Position: 3, FailedAttempts: 0 }]);
        Assert.Equal([("b", 12L)], await BalancesAsync(store));
        Assert.Single(await store.Operations.ListSkippedAsync(None));
    }

    [SkippableFact]
    public async Task A_rebuild_replaces_what_was_wrong_is_rolled_back_at_once_and_dropped()
    {
        await using var store = await StartImpatientAsync(fixture.NewStore(), new StreamBalanceProjection());
        var last = await BookAsync(store, "a", 1, 2, 3);
        await store.CatchUpAsync();
        await TamperAsync(store, "UPDATE balances_g1 SET balance = 1000");

        await store.Operations.RebuildAsync([], holdOnDifference: false, User, None);
        await UntilAsync(() => store.Projections.Any(p => p is { Generation: 2, State: GenerationState.Live }));
        Assert.Equal([("a", 6L)], await BalancesAsync(store));
        Assert.Contains("balances: 1 rows only in the live tables, such as a", store.Projections.Single(p => p.State == GenerationState.Live).Note, StringComparison.Ordinal);

        // What was live before is kept up to date.
        await BookAsync(store, "a", 10);
        await store.CatchUpAsync();
        await UntilAsync(() => store.Projections.All(p => p.Position == last + 1));
        await store.Operations.RollBackAsync("balances", User, None);
        Assert.Equal([("a", 1010L)], await BalancesAsync(store));
        await store.Operations.RollBackAsync("balances", User, None);
        Assert.Equal([("a", 16L)], await BalancesAsync(store));

        await store.Operations.DropPreviousAsync("balances", User, None);
        var refused = await Assert.ThrowsAsync<RejectedException>(() => store.Operations.RollBackAsync("balances", User, None));
        Assert.Equal(EngineErrors.RebuildNotReady, refused.Code);
        Assert.Equal([("a", 16L)], await BalancesAsync(store));
        await UntilAsync(() => store.Projections is [{ Generation: 2 }]);
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => store.ReadColumnAsync("SELECT COUNT(*) FROM balances_g1"));
    }

    [SkippableFact]
    public async Task Tables_made_from_the_schema_script_are_emptied_and_used()
    {
        await using var store = await StartImpatientAsync(fixture.NewStore(), new StreamBalanceProjection());
        await BookAsync(store, "a", 1, 2, 3);
        await store.CatchUpAsync();
        var script = store.Services.GetRequiredService<SchemaScript>().ForReadDatabase(2);
        await using (var connection = await store.OpenReadAsync())
        {
            foreach (var statement in script.Split(";\n").Where(statement => statement.Contains("_g2", StringComparison.Ordinal)))
            {
                await connection.ExecuteAsync(statement);
            }

            await connection.ExecuteAsync("INSERT INTO balances_g2 (id, balance) VALUES ('stray', 1)");
        }

        await store.Operations.RebuildAsync([], holdOnDifference: true, User, None);
        await UntilAsync(() => store.Projections.Any(p => p is { Generation: 2, State: GenerationState.Live }));
        Assert.Equal([("a", 6L)], await BalancesAsync(store));
    }

    [SkippableFact]
    public async Task A_rebuild_that_differs_can_be_held_until_somebody_decides()
    {
        await using var store = await StartImpatientAsync(fixture.NewStore(), new StreamBalanceProjection());
        await BookAsync(store, "a", 1);
        await store.CatchUpAsync();
        await TamperAsync(store, "UPDATE balances_g1 SET balance = 1000");
        await store.Operations.RebuildAsync(["balances"], holdOnDifference: true, User, None);
        await UntilAsync(() => store.Projections.Any(p => p is { State: GenerationState.AwaitingApproval, Note: not null }));
        Assert.Equal([("a", 1000L)], await BalancesAsync(store));
        Assert.Equal(
            EngineErrors.RebuildRunning,
            (await Assert.ThrowsAsync<RejectedException>(() => store.Operations.RebuildAsync([], false, User, None))).Code);

        await BookAsync(store, "a", 2);
        await store.CatchUpAsync();
        await UntilAsync(() => store.Projections.All(p => p.Position == 2));
        await store.Operations.SwitchAsync("balances", User, None);
        Assert.Equal([("a", 3L)], await BalancesAsync(store));
    }

    [SkippableFact]
    public async Task A_rebuild_is_paused_resumed_cancelled_and_goes_on_after_a_restart()
    {
        var settings = fixture.NewStore();
        (string, string)[] slow = [("Projections:RebuildEventsPerSecond", "60"), ("Projections:RebuildBatchSize", "20")];
        await using (var store = await StartImpatientAsync(settings, new StreamBalanceProjection(), slow))
        {
            await BookAsync(store, "a", [.. Enumerable.Repeat(1, 500).Select(one => (long)one)]);
            await store.CatchUpAsync();
            await store.Operations.RebuildAsync(["balances"], false, User, None);
            await UntilAsync(() => store.Projections.Any(p => p is { State: GenerationState.Building, Position: > 0, Target: 500 }));
            await store.Operations.PauseRebuildAsync("balances", User, None);
            var paused = store.Projections.Single(p => p.State == GenerationState.Paused).Position;
            await BookAsync(store, "a", 1);
            await store.CatchUpAsync();
            Assert.Equal(paused, store.Projections.Single(p => p.State == GenerationState.Paused).Position);
            await store.Operations.ResumeRebuildAsync("balances", User, None);
            await UntilAsync(() => store.Projections.Any(p => p.State == GenerationState.Building && p.Position > paused));
        }

        await using (var again = await StartImpatientAsync(settings, new StreamBalanceProjection(), slow))
        {
            await UntilAsync(() => again.Projections.Any(p => p is { State: GenerationState.Building, Position: > 0 and < 500 }));
            await again.Operations.CancelRebuildAsync("balances", User, None);
            Assert.Equal([("a", 501L)], await BalancesAsync(again));
        }

        await using var fast = await StartImpatientAsync(settings, new StreamBalanceProjection());
        await UntilAsync(() => fast.Projections is [{ State: GenerationState.Live }]);
        await fast.Operations.RebuildAsync(["balances"], true, User, None);
        await UntilAsync(() => fast.Projections.Any(p => p is { Generation: 2, State: GenerationState.Live, Position: 501 }));
        Assert.Equal([("a", 501L)], await BalancesAsync(fast));
    }

    [SkippableFact]
    public async Task A_rebuild_in_large_stretches_narrows_in_on_a_bad_event_and_leaves_only_its_stream_behind()
    {
        var balances = new StreamBalanceProjection();
        await using var store = await StartImpatientAsync(fixture.NewStore(), balances, ("Projections:RebuildBatchSize", "3000"));
        var ones = Enumerable.Repeat(1L, 100).ToArray();
        for (var number = 0; number < 60; number++)
        {
            await BookAsync(store, $"s{number}", number == 45 ? [.. ones.AsSpan(0, 40), 13, .. ones.AsSpan(41)] : ones);
        }

        await store.CatchUpAsync();
        Assert.Equal(6_012, (await BalancesAsync(store)).Sum(row => row.Balance));
        balances.IsPoisoned = true;
        await store.Operations.RebuildAsync(["balances"], false, User, None);
        await UntilAsync(() => store.Projections.Any(p => p is { Generation: 2, State: GenerationState.Live, ParkedEvents: 60 }));
        Assert.Equal([("s45", 40L)], (await BalancesAsync(store)).Where(row => row.Balance != 100));
        Assert.Equal(59 * 100 + 40, (await BalancesAsync(store)).Sum(row => row.Balance));

        balances.IsPoisoned = false;
        Assert.Equal(60, (await store.Operations.RetryParkedAsync("balances", null, User, None)).Events);
        Assert.Equal(6_012, (await BalancesAsync(store)).Sum(row => row.Balance));
    }

    [SkippableFact]
    public async Task Queries_during_a_rebuild_neither_fail_nor_go_back()
    {
        await using var store = await StartImpatientAsync(fixture.NewStore(), new StreamBalanceProjection(), [("Projections:RebuildBatchSize", "50")]);
        using var stop = new CancellationTokenSource();
        var writer = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await BookAsync(store, "a", 1);
            }
        });
        var reader = Task.Run(async () =>
        {
            var (answers, highest) = (0, 0L);
            for (; !stop.IsCancellationRequested; answers++)
            {
                var view = await store.ReadModel.ViewAsync(["balances"], None);
                await using var connection = await store.OpenReadAsync();
                var balance = await connection.ExecuteScalarAsync<long?>($"SELECT balance FROM {view.Table("balances")} WHERE id = 'a'") ?? 0;

                // Each event books 1, so that the balance tells the position that it is from.
                Assert.True(balance >= view.Position && balance >= highest, $"{balance} at {view.Position} after {highest}");
                highest = balance;
            }

            return answers;
        });
        for (var round = 0; round < 3; round++)
        {
            await UntilAsync(() => store.Projections.Count == 1);
            var live = store.Projections.Single().Generation;
            await UntilAsync(async () =>
            {
                try
                {
                    await store.Operations.RebuildAsync([], true, User, None);
                    return true;
                }
                catch (RejectedException refusal) when (refusal.RetryAfter is not null)
                {
                    return false;
                }
            });
            await UntilAsync(() => store.Projections.Any(p => p.Generation != live && p.State == GenerationState.Live));
            await store.Operations.DropPreviousAsync("balances", User, None);
        }

        await stop.CancelAsync();
        await writer;
        Assert.True(await reader > 0);
        await store.CatchUpAsync();
        var (head, balances) = (await store.Store.ReadHeadAsync(None), await BalancesAsync(store));
        Assert.True(balances is [("a", var last)] && last == head, $"{string.Join(", ", balances)} at {head}; {string.Join("; ", store.Projections)}");
    }

    [SkippableFact]
    public async Task An_audit_names_what_drifted_and_a_replay_of_the_stream_mends_it()
    {
        await using var store = await StartImpatientAsync(fixture.NewStore(), new StreamBalanceProjection());
        foreach (var id in new[] { "a", "b", "c", "d" })
        {
            await BookAsync(store, id, 1, 2);
        }

        await store.CatchUpAsync();
        Assert.Equal((4L, 0L), await AuditAsync(0));
        await TamperAsync(store, "UPDATE balances_g1 SET balance = 9 WHERE id = 'b'; DELETE FROM balances_g1 WHERE id = 'c'");

        var id1 = await store.Operations.StartAuditAsync([], 0, User, None);
        await UntilAsync(async () => (await store.Operations.FindAsync(id1, None))?.EndTime is not null);
        var drifts = (await store.Operations.FindAsync(id1, None))!.Drifts;
        Assert.Equal(
            [
                new Drift("balances", "balances", "ledger-b", 8, "balance", "9", "3"),
                new Drift("balances", "balances", "ledger-c", 8, "", null, "id=c, balance=3"),
            ],
            drifts);
        Assert.Equal([("a", 3L), ("b", 9L), ("d", 3L)], await BalancesAsync(store));

        await EndOfAsync(store, await store.Operations.StartReplayAsync(["balances"], new StreamId("ledger", "b"), null, User, None));
        Assert.Equal([("a", 3L), ("b", 3L), ("d", 3L)], await BalancesAsync(store));
        var range = await EndOfAsync(store, await store.Operations.StartReplayAsync([], new StreamId("ledger", "b"), new StreamId("ledger", "c"), User, None));
        Assert.Equal(2, range.Streams);
        Assert.Equal([("a", 3L), ("b", 3L), ("c", 3L), ("d", 3L)], await BalancesAsync(store));
        Assert.Equal((10L, 0L), await AuditAsync(10));

        async Task<(long Streams, long Drifts)> AuditAsync(int sample)
        {
            var operation = await EndOfAsync(store, await store.Operations.StartAuditAsync([], sample, User, None));
            return (operation.Streams, operation.DriftCount);
        }
    }

    [SkippableFact]
    public async Task One_process_projects_another_follows_and_takes_over_and_a_fenced_one_writes_nothing()
    {
        var settings = fixture.NewStore();
        await using var two = await WithFirstAsync();
        await UntilAsync(() => two.Projections is [{ Position: 2, State: GenerationState.Live }]);
        var last = await BookAsync(two, "a", 3);
        await two.ReadModel.WaitForAsync(last, [], null, None);
        Assert.Equal([("a", 6L)], await BalancesAsync(two));

        // As another process would take the lease over from one that sleeps.
        await TamperAsync(two, "UPDATE leases SET holder = 'elsewhere', fence = fence + 1, beat = beat + 1");
        await BookAsync(two, "a", 4);
        await UntilAsync(async () => (await two.ReadColumnAsync("SELECT COUNT(*) FROM leases WHERE holder <> 'elsewhere'"))[0] == 1);
        await two.CatchUpAsync();
        Assert.Equal([("a", 10L)], await BalancesAsync(two));
        Assert.True((await two.ReadColumnAsync("SELECT fence FROM leases"))[0] >= 4);

        async Task<StoreHarness> WithFirstAsync()
        {
            await using var one = await StartImpatientAsync(settings, new StreamBalanceProjection());
            await BookAsync(one, "a", 1);
            await one.CatchUpAsync();
            var second = await StartImpatientAsync(settings, new StreamBalanceProjection());

            // Reads its own write through the checkpoints of the process that projects.
            var own = await BookAsync(second, "a", 2);
            await second.ReadModel.WaitForAsync(own, [], null, None);
            Assert.Equal([("a", 3L)], await BalancesAsync(second));
            Assert.Equal([1L], await one.ReadColumnAsync("SELECT fence FROM leases"));
            return second;
        }
    }

    private static Task<StoreHarness> StartImpatientAsync(
        IReadOnlyDictionary<string, string?> settings, IProjection projection, params (string Key, string Value)[] more) => StartAsync(
        settings,
        services => services.AddSingleton(projection),
        [
            ("Projections:RetryDelay", "00:00:00.010"), ("Projections:MaxRetryDelay", "00:00:00.050"), ("Projections:ParkAfter", "3"),
            ("Projections:LeaseDuration", "00:00:03"), ("Projections:DropDelay", "00:00:00.300"), .. more,
        ]);

    /// <summary>Books amounts in one append and returns the last position.</summary>
    private static async Task<long> BookAsync(StoreHarness store, string id, params long[] amounts) => Assert.IsType<AppendResult.Appended>(
        await store.Store.AppendAsync(Append(id, ExpectedVersion.Any, [.. amounts.Select(Booking)]), None)).Position;

    /// <summary>What queries see.</summary>
    private static async Task<List<(string Id, long Balance)>> BalancesAsync(StoreHarness store)
    {
        await using var connection = await store.OpenReadAsync();
        return (await connection.QueryAsync<(string, long)>(
            $"SELECT id, balance FROM {(await store.ReadModel.ViewAsync(["balances"], None)).Table("balances")} ORDER BY id")).AsList();
    }

    private static async Task TamperAsync(StoreHarness store, string sql)
    {
        await using var connection = await store.OpenReadAsync();
        await connection.ExecuteAsync(sql);
    }

    private static async Task<Operation> EndOfAsync(StoreHarness store, long id)
    {
        await UntilAsync(async () => (await store.Operations.FindAsync(id, None))?.EndTime is not null);
        var operation = (await store.Operations.FindAsync(id, None))!;
        Assert.False(operation.HasFailed, operation.Message);
        return operation;
    }
}

public sealed class SqliteReadSideSpecs(SqliteFixture fixture) : ReadSideSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlReadSideSpecs(PostgreSqlFixture fixture) : ReadSideSpecs<PostgreSqlFixture>(fixture);

public sealed class SqlServerReadSideSpecs(SqlServerFixture fixture) : ReadSideSpecs<SqlServerFixture>(fixture);

public sealed class WholePostgreSqlReadSideSpecs(WholePostgreSqlFixture fixture) : ReadSideSpecs<WholePostgreSqlFixture>(fixture);

public sealed class WholeSqlServerReadSideSpecs(WholeSqlServerFixture fixture) : ReadSideSpecs<WholeSqlServerFixture>(fixture);
