using System.Text.Json.Serialization;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Projections;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>The positions of all events, in a projection that fails on thirteens and can leave a stream behind.</summary>
public sealed class FussySeenProjection : IStreamProjection
{
    public string Name => "seen";

    public int Version => 1;

    public IReadOnlyList<ProjectionTable> Tables { get; } = [SeenRow.Table];

    public IReadOnlyCollection<Type> Handles { get; } = [typeof(AmountBooked)];

    public async Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, IProjectionTables tables, CancellationToken cancellationToken)
    {
        foreach (var (record, @event) in batch)
        {
            if (@event is AmountBooked { Amount: 13 })
            {
                throw new InvalidOperationException("Thirteen again.");
            }

            await tables.ExecuteAsync("INSERT INTO {seen} (position) VALUES (@position)", [("position", record.Position)], cancellationToken);
        }
    }

    public Task RemoveAsync(StreamId stream, IProjectionTables tables, CancellationToken cancellationToken) => throw new NotSupportedException();
}

/// <summary>An event type that a later build knows.</summary>
public sealed record FeeCharged(long Amount);

[JsonSerializable(typeof(FeeCharged))]
internal sealed partial class FeeJson : JsonSerializerContext;

/// <summary>What operators are told, whatever the database.</summary>
public abstract class OperatorRequestSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    private static readonly (string, string)[] Impatient =
        [("Projections:RetryDelay", "00:00:00.010"), ("Projections:MaxRetryDelay", "00:00:00.050"), ("Projections:ParkAfter", "2")];

    private static readonly EventTypeRegistry Newer = EventTypeRegistry.Create(types => types.Add("ledger.fee-charged", 1, FeeJson.Default.FeeCharged));

    private static CancellationToken None => CancellationToken.None;

    [SkippableFact]
    public async Task An_event_that_is_parked_for_several_projections_is_on_several_pages()
    {
        await using var store = await StartAsync(
            fixture.NewStore(),
            services => services.AddSingleton<IProjection>(new StreamBalanceProjection { IsPoisoned = true }).AddSingleton<IProjection>(new FussySeenProjection()),
            Impatient);
        await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(13), Booking(2)), None);
        await UntilAsync(async () => (await store.Operations.ListParkedAsync("", 0, 10, None)).Count == 4);

        var (seen, after) = (new List<(long, string)>(), (Position: 0L, Projection: ""));
        while (await store.Operations.ListParkedAsync("", after, 1, None) is [var parked])
        {
            after = (parked.Position, parked.Reader);
            seen.Add(after);
        }

        Assert.Equal([(1, "balances"), (1, "seen"), (2, "balances"), (2, "seen")], seen);
        Assert.Equal([2L, 2L], (await store.Operations.ListParkedAsync("", 1, 10, None)).Select(parked => parked.Position));
    }

    [SkippableFact]
    public async Task A_request_that_fails_in_the_projecting_process_fails_for_its_caller_and_is_on_the_list()
    {
        await using var store = await StartAsync(fixture.NewStore(), services => services.AddSingleton<IProjection>(new StreamBalanceProjection()), Impatient);
        await using (var connection = await store.OpenReadAsync())
        {
            // In the way of the table that a rebuild makes.
            await connection.ExecuteAsync("CREATE VIEW balances_g2 AS SELECT 1 AS id");
        }

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => store.Operations.RebuildAsync([], false, "operator", None));
        Assert.Contains("balances_g2", failure.Message, StringComparison.Ordinal);
        var told = Assert.Single(await store.Operations.ListAsync(long.MaxValue, 10, None));
        Assert.Equal((true, null), (told.HasFailed, told.Reason));
        Assert.Contains("balances_g2", told.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_stream_parked_for_an_unknown_event_type_is_retried_by_the_first_process_that_knows_it()
    {
        var settings = fixture.NewStore();
        await using (var old = await StartAsync(settings, services => services.AddSingleton<IProjection>(new StreamBalanceProjection()), Impatient))
        {
            var fee = Newer.Serialize(new FeeCharged(1), TimeProvider.System.GetUtcNow());
            await old.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(5), fee, Booking(2)), None);
            await UntilAsync(() => old.Projections is [{ Position: 3, ParkedEvents: 2 }]);
        }

        await using (var same = await StartAsync(settings, services => services.AddSingleton<IProjection>(new StreamBalanceProjection()), Impatient))
        {
            await UntilAsync(async () => (await same.Operations.ListParkedAsync("", 0, 10, None)) is [{ Attempts: > 1 }, _]);
            Assert.Equal([5L], await same.ReadColumnAsync("SELECT balance FROM balances_g1"));
        }

        await using var newer = await StartAsync(
            settings, services => services.AddEvents(Newer).AddSingleton<IProjection>(new StreamBalanceProjection()), Impatient);
        await UntilAsync(() => newer.Projections is [{ Position: 3, ParkedEvents: 0 }]);
        Assert.Equal([7L], await newer.ReadColumnAsync("SELECT balance FROM balances_g1"));
    }

    [SkippableFact]
    public async Task To_a_follower_tables_make_progress_while_they_move_or_have_nothing_to_do()
    {
        var balances = new BalanceProjection();
        await using var store = await StartAsync(fixture.NewStore(), services => services.AddSingleton<IProjection>(balances), Impatient);
        await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1)), None);
        await store.CatchUpAsync();
        var clock = new SteppedClock(TimeProvider.System.GetUtcNow());
        var follower = ActivatorUtilities.CreateInstance<ReadModelFollower>(store.Services, clock);
        Assert.Equal((1L, clock.GetUtcNow()), await LookAsync());

        // Nothing to do.
        clock.Step(TimeSpan.FromMinutes(1));
        Assert.Equal((1L, clock.GetUtcNow()), await LookAsync());

        // It stands still behind the newest event.
        balances.IsPoisoned = true;
        var stood = clock.GetUtcNow();
        await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(13)), None);
        clock.Step(TimeSpan.FromMinutes(1));
        Assert.Equal((1L, stood), await LookAsync());

        balances.IsPoisoned = false;
        await store.CatchUpAsync();
        Assert.Equal((2L, clock.GetUtcNow()), await LookAsync());

        async Task<(long, DateTimeOffset)> LookAsync()
        {
            var status = Assert.Single((await follower.ReadAsync(None)).Statuses);
            return (status.Position, status.ProgressTime);
        }
    }
}

public sealed class SqliteOperatorRequestSpecs(SqliteFixture fixture) : OperatorRequestSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlOperatorRequestSpecs(PostgreSqlFixture fixture) : OperatorRequestSpecs<PostgreSqlFixture>(fixture);
