using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Projections;
using GrpcCqrs.Storage.Projections.Folds;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>What becomes of events that a rebuild has taken in and not written yet.</summary>
public abstract class RebuildBatchSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    private const string User = "operator";
    private const int Streams = 4;
    private const int BookingsAStream = 2_500;

    private static CancellationToken None => CancellationToken.None;

    [SkippableFact]
    public async Task A_rebuild_that_is_paused_in_the_middle_of_a_stretch_counts_nothing_twice_when_it_goes_on()
    {
        var balances = new GatedBalances();
        await using var store = await StartAsync(
            fixture.NewStore(), services => services.AddSingleton<IProjection>(balances), ("Projections:DropDelay", "00:00:00.300"));
        for (var number = 0; number < Streams; number++)
        {
            await store.Store.AppendAsync(Append($"s{number}", ExpectedVersion.Any, [.. Enumerable.Repeat(Booking(1), BookingsAStream)]), None);
        }

        await store.CatchUpAsync();
        balances.IsGated = true;
        await store.Operations.RebuildAsync(["balances"], false, User, None);
        await balances.Taken.WaitAsync();
        var pause = store.Operations.PauseRebuildAsync("balances", User, None);
        await UntilAsync(async () => (await store.ReadColumnAsync("SELECT COUNT(*) FROM operator_requests WHERE kind = 'Pause'"))[0] == 1);
        for (var pages = 0; !pause.IsCompleted; pages++)
        {
            Assert.True(pages < 4, "The pause came too late: the stretch was taken in as a whole.");
            await Task.Delay(200);
            balances.Gate.Release();
        }

        await pause;
        Assert.Contains(store.Projections, p => p is { State: GenerationState.Paused, Position: 0 });

        balances.IsGated = false;
        balances.Gate.Release(100);
        await store.Operations.ResumeRebuildAsync("balances", User, None);
        await UntilAsync(() => store.Projections.Any(p => p is { Generation: 1, State: GenerationState.Live }));
        await using var connection = await store.OpenReadAsync();
        Assert.Equal(
            Enumerable.Repeat((long)BookingsAStream, Streams),
            await connection.QueryAsync<long>($"SELECT balance FROM {(await store.ReadModel.ViewAsync(["balances"], None)).Table("balances")}"));
    }

    [SkippableFact]
    public async Task Streams_of_two_categories_with_equal_ids_never_meet()
    {
        await using var store = await StartAsync(fixture.NewStore(), services => services.AddSingleton<IProjection>(new BalanceFold()));
        await AppendAsync("ledger", 5);
        await AppendAsync("other", 7);
        await AppendAsync("ledger", 1);
        await store.CatchUpAsync();
        Assert.Equal([6L], await store.ReadColumnAsync("SELECT balance FROM balances_g1"));

        foreach (var id in (long[])
            [
                await store.Operations.StartReplayAsync([], new StreamId("other", "a"), null, "operator", None),
                await store.Operations.StartAuditAsync([], 0, "operator", None),
            ])
        {
            await UntilAsync(async () => (await store.Operations.FindAsync(id, None))!.EndTime is not null);
            var ended = await store.Operations.FindAsync(id, None);
            Assert.Equal((false, 0L), (ended!.HasFailed, ended.DriftCount));
        }

        Assert.Equal([6L], await store.ReadColumnAsync("SELECT balance FROM balances_g1"));

        async Task AppendAsync(string category, long amount) =>
            await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(amount)) with { Stream = new StreamId(category, "a") }, None);
    }

    /// <summary>Balances as a fold that adds, whose pages wait at a gate.</summary>
    private sealed class GatedBalances : IStreamProjection
    {
        private readonly BalanceFold fold = new();

        public bool IsGated { get; set; }

        public SemaphoreSlim Taken { get; } = new(0);

        public SemaphoreSlim Gate { get; } = new(0);

        public string Name => fold.Name;

        public int Version => fold.Version;

        public string? Category => fold.Category;

        public IReadOnlyList<ProjectionTable> Tables => fold.Tables;

        public IReadOnlyCollection<Type> Handles => fold.Handles;

        public IReadOnlyList<ProjectedRows> Rows => fold.Rows;

        public IProjectionBatch Begin() => new GatedBatch(this, fold.Begin());

        public Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, IProjectionTables tables, CancellationToken cancellationToken) =>
            fold.ApplyAsync(batch, tables, cancellationToken);

        public Task RemoveAsync(StreamId stream, IProjectionTables tables, CancellationToken cancellationToken) =>
            fold.RemoveAsync(stream, tables, cancellationToken);
    }

    private sealed class GatedBatch(GatedBalances projection, IProjectionBatch batch) : IProjectionBatch
    {
        public int Count => batch.Count;

        public long Bytes => batch.Bytes;

        public async Task AddAsync(IReadOnlyList<EventEnvelope> events, IProjectionTables tables, CancellationToken cancellationToken)
        {
            await batch.AddAsync(events, tables, cancellationToken);
            if (projection.IsGated)
            {
                projection.Taken.Release();
                await projection.Gate.WaitAsync(cancellationToken);
            }
        }

        public Task WriteAsync(IProjectionTables tables, CancellationToken cancellationToken) => batch.WriteAsync(tables, cancellationToken);
    }

    private sealed class BalanceFold() : FoldProjection<Ledger>(
        [StreamTable.Row<Ledger, BalanceRow>("balances", (id, ledger) => new BalanceRow { Id = id, Balance = ledger.Balance }, row => new Ledger(row.Id, null, row.Balance))])
    {
        public override string Name => "balances";

        public override int Version => 1;

        public override string Category => Ledger.Category;

        public override IReadOnlyCollection<Type> Handles { get; } = [typeof(LedgerEvent)];

        protected override Ledger? Apply(Ledger? state, EventEnvelope envelope) => (state ?? Ledger.Initial("")).Apply((LedgerEvent)envelope.Event);
    }
}

public sealed class SqliteRebuildBatchSpecs(SqliteFixture fixture) : RebuildBatchSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlRebuildBatchSpecs(PostgreSqlFixture fixture) : RebuildBatchSpecs<PostgreSqlFixture>(fixture);

public sealed class SqlServerRebuildBatchSpecs(SqlServerFixture fixture) : RebuildBatchSpecs<SqlServerFixture>(fixture);
