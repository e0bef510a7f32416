using System.Text.Json.Serialization;
using Dapper;
using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

public sealed record LedgerSnapshot(string? Name, long Balance);

[JsonSerializable(typeof(LedgerSnapshot))]
internal sealed partial class LedgerSnapshotJson : JsonSerializerContext;

/// <summary>The cache of states and the snapshots make loads shorter and change no result.</summary>
public abstract class StateSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    private const string NoCache = "0";
    private const string Cache = "1000000";

    private static CancellationToken None => CancellationToken.None;

    [SkippableTheory]
    [InlineData(Cache, true)]
    [InlineData(Cache, false)]
    [InlineData(NoCache, true)]
    [InlineData(NoCache, false)]
    public async Task Results_are_the_same_with_and_without_cache_and_snapshots(string cacheBytes, bool withSnapshots)
    {
        var settings = fixture.NewStore();
        for (var round = 0; round < 3; round++)
        {
            await using var store = await StartAsync(settings, Snapshots(withSnapshots ? 1 : null), ("States:MaxCacheBytes", cacheBytes));
            for (var number = 0; number < 25; number++)
            {
                await store.Ledgers.UpdateAsync("a", Context(), ledger => ledger.Book(2), None);
            }

            var loaded = await store.Ledgers.LoadAsync("a", None);
            Assert.Equal((25L * (round + 1), 50L * (round + 1)), (loaded.Version, loaded.State.Balance));
            Assert.Equal(20, (await store.Ledgers.LoadAtVersionAsync("a", 10, None)).State.Balance);
        }
    }

    [SkippableFact]
    public async Task A_snapshot_shortens_a_load_and_one_of_another_schema_version_or_shape_is_ignored()
    {
        var settings = fixture.NewStore();
        await using (var store = await StartAsync(settings, Snapshots(1)))
        {
            for (var number = 0; number < 25; number++)
            {
                await store.Ledgers.UpdateAsync("a", Context(), ledger => ledger.Book(1), None);
            }

            Assert.Equal([20L], await store.WriteColumnAsync("SELECT version FROM snapshots"));

            // A false state shows whether the snapshot is used.
            await using var connection = await store.OpenWriteAsync();
            await connection.ExecuteAsync("UPDATE snapshots SET payload = @Payload", new { Payload = """{"Name":null,"Balance":1000}"""u8.ToArray() });
        }

        Assert.Equal(1_005, await BalanceAsync(1));
        Assert.Equal(25, await BalanceAsync(2));
        Assert.Equal(25, await BalanceAsync(null));

        await using (var store = await StartAsync(settings))
        {
            await using var connection = await store.OpenWriteAsync();
            await connection.ExecuteAsync("UPDATE snapshots SET payload = @Payload", new { Payload = "not json"u8.ToArray() });
        }

        Assert.Equal(25, await BalanceAsync(1));

        async Task<long> BalanceAsync(int? schemaVersion)
        {
            await using var store = await StartAsync(settings, Snapshots(schemaVersion));
            return (await store.Ledgers.LoadAsync("a", None)).State.Balance;
        }
    }

    [SkippableFact]
    public async Task A_remembered_state_that_another_process_has_outdated_decides_nothing()
    {
        var settings = fixture.NewStore();
        await using var one = await StartAsync(settings, configure: null, ("States:MaxCacheBytes", Cache));
        await using var other = await StartAsync(settings, configure: null, ("States:MaxCacheBytes", Cache));
        await one.Ledgers.UpdateAsync("a", Context(), ledger => ledger.Open("first"), None);
        await other.Ledgers.UpdateAsync("a", Context(), ledger => ledger.Open("second"), None);

        // On what it remembers there would be nothing to do; in truth there is.
        var changed = await one.Ledgers.UpdateAsync("a", Context(), ledger => ledger.Open("first"), None);
        Assert.Equal(3, changed.Version);

        // On what it remembers the expectation would fail; in truth it holds.
        var expected = await other.Ledgers.UpdateAsync("a", Context(expected: ExpectedVersion.Exactly(3)), ledger => ledger.Book(1), None);
        Assert.Equal(4, expected.Version);

        // And the append catches what the remembered state cannot know.
        var appended = await one.Ledgers.UpdateAsync("a", Context(), ledger => ledger.Book(1), None);
        Assert.Equal(5, appended.Version);
        var refused = await Assert.ThrowsAsync<RejectedException>(
            () => other.Ledgers.UpdateAsync("a", Context(expected: ExpectedVersion.Exactly(4)), ledger => ledger.Book(1), None).AsTask());
        Assert.Equal(("WRONG_EXPECTED_VERSION", "5"), (refused.Code.Reason, refused.Facts["actual_version"]));
    }

    [SkippableFact]
    public async Task The_state_of_any_version_and_of_any_moment_can_be_had()
    {
        var start = DateTimeOffset.UnixEpoch.AddYears(50);
        var (clock, second) = (new SteppedClock(start), TimeSpan.FromSeconds(1));
        await using var store = await StartAsync(fixture.NewStore(), services => Snapshots(1)!(services.AddClock(clock)), ("States:MaxCacheBytes", Cache));
        for (var number = 1; number <= 12; number++)
        {
            clock.Step(second);
            await store.Ledgers.UpdateAsync("a", Context(), ledger => [new AmountBooked(1), new AmountBooked(number)], None);
        }

        // The second event of each command has the sum of all before it, whatever the cache and the snapshots hold.
        for (var number = 0; number <= 12; number++)
        {
            var expected = (Version: 2L * number, Balance: number + (number * (number + 1L) / 2));
            Assert.Equal(expected, Said(await store.Ledgers.LoadAtVersionAsync("a", 2 * number, None)));
            Assert.Equal(expected, Said(await store.Ledgers.LoadAtTimeAsync("a", start + (number * second), None)));
            Assert.Equal(expected, Said(await store.Ledgers.LoadAtTimeAsync("a", start + ((number + 1) * second) - TimeSpan.FromMicroseconds(1), None)));
        }

        Assert.Equal(0, (await store.Ledgers.LoadAtTimeAsync("nobody", start, None)).Version);

        static (long, long) Said(Loaded<Ledger> loaded) => (loaded.Version, loaded.State.Balance);
    }

    private static Action<IServiceCollection>? Snapshots(int? schemaVersion) => schemaVersion is not { } version
        ? null
        : services => services.AddSingleton<ISnapshots<Ledger>>(new JsonSnapshots<Ledger, LedgerSnapshot>(
            every: 10,
            version,
            LedgerSnapshotJson.Default.LedgerSnapshot,
            ledger => new LedgerSnapshot(ledger.Name, ledger.Balance),
            (id, snapshot) => new Ledger(id, snapshot.Name, snapshot.Balance)));
}

public sealed class SqliteStateSpecs(SqliteFixture fixture) : StateSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlStateSpecs(PostgreSqlFixture fixture) : StateSpecs<PostgreSqlFixture>(fixture);

public sealed class SqlServerStateSpecs(SqlServerFixture fixture) : StateSpecs<SqlServerFixture>(fixture);
