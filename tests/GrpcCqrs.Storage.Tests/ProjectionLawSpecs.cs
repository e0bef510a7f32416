using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Projections.Folds;
using GrpcCqrs.Testing;
using Xunit;

namespace GrpcCqrs.Storage.Tests;

/// <summary>Each law is broken by the projection that it is there to find, and kept by one that is right.</summary>
public sealed class ProjectionLawSpecs : IAsyncLifetime
{
    private const int Seed = 42;

    private ProjectionChecker checker = null!;

    private static ProjectionHistory History { get; } = ProjectionHistory.Of(
        LedgerTypes.Registry,
        [
            (Stream("a"), new AmountBooked(1)), (Stream("b"), new AmountBooked(2)), (Stream("a"), new AmountBooked(4)), (Stream("c"), new AmountBooked(8)),
            (Stream("a"), new AmountBooked(16)), (Stream("c"), new LedgerClosed()), (Stream("b"), new AmountBooked(32)), (Stream("a"), new AmountBooked(64)),
        ]);

    public static TheoryData<Type, ProjectionLaws> Broken => new()
    {
        { typeof(CountingOutsideItsTables), ProjectionLaws.DuplicateDelivery },
        { typeof(CountingOutsideItsTables), ProjectionLaws.AnyCut },
        { typeof(RememberingStreams), ProjectionLaws.DuplicateDelivery },
        { typeof(TakingTheLastOfEachBatch), ProjectionLaws.AnyCut },
        { typeof(WritingTheLiveTable), ProjectionLaws.RebuildEqualsLive },
        { typeof(LastWriterWins), ProjectionLaws.StreamOrder },
        { typeof(LeavingARow), ProjectionLaws.RemoveAndRefold },
        { typeof(RemovingAllRows), ProjectionLaws.RemoveAndRefold },
    };

    public async Task InitializeAsync() =>
        checker = await ProjectionChecker.OnSqliteAsync(LedgerTypes.Registry, options => new LedgerReadDbContext(options));

    public async Task DisposeAsync() => await checker.DisposeAsync();

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task A_projection_that_is_wrong_breaks_the_law(Type type, ProjectionLaws law)
    {
        var broken = await Assert.ThrowsAsync<LawBrokenException>(() => checker.CheckAsync((IProjection)Activator.CreateInstance(type)!, History, Seed, law));
        Assert.Equal(law, broken.Law);
        Assert.StartsWith($"balances breaks the law {law} (", broken.Message, StringComparison.Ordinal);
        Assert.Contains($"; seed {Seed}): ", broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_projection_that_is_right_keeps_every_law()
    {
        foreach (var projection in (IProjection[])[new BalanceFold(), new BalanceProjection()])
        {
            for (var seed = 0; seed < 3; seed++)
            {
                await checker.CheckAsync(projection, History, seed);
            }
        }
    }

    [Fact]
    public async Task The_report_names_the_first_row_that_differs()
    {
        var order = await Assert.ThrowsAsync<LawBrokenException>(() => checker.CheckAsync(new LastWriterWins(), History, Seed, ProjectionLaws.StreamOrder));
        Assert.Equal(
            "balances breaks the law StreamOrder (one stream after the other; seed 42): In balances the row with id = 'last' says balance = 8 where 64 was expected.",
            order.Message);
        var rows = await Assert.ThrowsAsync<LawBrokenException>(() => checker.CheckAsync(new RemovingAllRows(), History, Seed, ProjectionLaws.RemoveAndRefold));
        Assert.Matches(@"\(ledger-[abc] removed and folded anew; seed 42\): In balances the row id = '[abc]', balance = \d+ is missing\.$", rows.Message);
    }

    [Fact]
    public async Task An_exception_of_the_projection_breaks_the_law()
    {
        var poisoned = new BalanceProjection { IsPoisoned = true };
        var history = ProjectionHistory.Of(LedgerTypes.Registry, [(Stream("a"), new AmountBooked(13))]);
        var broken = await Assert.ThrowsAsync<LawBrokenException>(() => checker.CheckAsync(poisoned, history, Seed));
        Assert.Contains("InvalidOperationException: Thirteen.", broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_projection_that_depends_on_positions_is_not_asked_for_the_order_of_streams() =>
        await checker.CheckAsync(new LastOfAll(), History, Seed, ProjectionLaws.All & ~ProjectionLaws.RemoveAndRefold);

    [Fact]
    public async Task Histories_without_an_event_that_the_projection_handles_are_found()
    {
        await checker.CheckAsync(new BalanceFold(), History, Seed, ProjectionLaws.AnyCut);
        Assert.Equal(
            "balances handles LedgerOpened, and no history has one: add it to the histories that the projection is checked on.",
            Assert.Throws<HistoryGapException>(() => checker.EnsureCovered(new BalanceFold())).Message);

        var opened = ProjectionHistory.Of(LedgerTypes.Registry, [(Stream("a"), new LedgerOpened("A"))]);
        await checker.CheckAsync(new BalanceFold(), opened, Seed, ProjectionLaws.AnyCut);
        checker.EnsureCovered(new BalanceFold());
    }

    [Fact]
    public async Task Histories_that_leave_the_tables_empty_are_found()
    {
        var history = ProjectionHistory.Of(
            LedgerTypes.Registry, [(Stream("a"), new LedgerOpened("A")), (Stream("a"), new AmountBooked(1)), (Stream("a"), new LedgerClosed())]);
        await checker.CheckAsync(new BalanceFold(), history, Seed);
        Assert.Equal(
            "No history leaves a row in balances of balances: add one that does.",
            Assert.Throws<HistoryGapException>(() => checker.EnsureCovered(new BalanceFold())).Message);
    }

    private static StreamId Stream(string id) => new("ledger", id);

    /// <summary>Balances as a fold, closed ledgers not among them.</summary>
    private sealed class BalanceFold() : FoldProjection<Ledger>(
        [StreamTable.Row<Ledger, BalanceRow>("balances", (id, ledger) => new BalanceRow { Id = id, Balance = ledger.Balance }, row => new Ledger(row.Id, null, row.Balance))])
    {
        public override string Name => "balances";

        public override int Version => 1;

        public override string Category => Ledger.Category;

        public override IReadOnlyCollection<Type> Handles { get; } = [typeof(LedgerEvent)];

        protected override Ledger? Apply(Ledger? state, EventEnvelope envelope) =>
            envelope.Event is LedgerClosed ? null : (state ?? Ledger.Initial("")).Apply((LedgerEvent)envelope.Event);
    }

    /// <summary>What the wrong ones have in common: they write balances, each in a way of its own.</summary>
    public abstract class WrongProjection : IStreamProjection
    {
        public string Name => "balances";

        public int Version => 1;

        public IReadOnlyList<ProjectionTable> Tables { get; } = [BalanceRow.Table];

        public IReadOnlyCollection<Type> Handles { get; } = [typeof(AmountBooked)];

        public async Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, IProjectionTables tables, CancellationToken cancellationToken)
        {
            foreach (var (record, @event) in Chosen(batch))
            {
                await ApplyAsync(record.Stream.Id, ((AmountBooked)@event).Amount, tables, cancellationToken);
            }
        }

        public virtual Task RemoveAsync(StreamId stream, IProjectionTables tables, CancellationToken cancellationToken) =>
            tables.ExecuteAsync("DELETE FROM {balances} WHERE id = @id", [("id", stream.Id)], cancellationToken);

        protected virtual IEnumerable<EventEnvelope> Chosen(IReadOnlyList<EventEnvelope> batch) => batch;

        protected virtual Task ApplyAsync(string id, long amount, IProjectionTables tables, CancellationToken cancellationToken) =>
            AddAsync(id, amount, tables, cancellationToken);

        protected static async Task AddAsync(string id, long amount, IProjectionTables tables, CancellationToken cancellationToken)
        {
            if (await tables.ExecuteAsync("UPDATE {balances} SET balance = balance + @amount WHERE id = @id", [("amount", amount), ("id", id)], cancellationToken) == 0)
            {
                await tables.ExecuteAsync("INSERT INTO {balances} (id, balance) VALUES (@id, @amount)", [("id", id), ("amount", amount)], cancellationToken);
            }
        }

        protected static Task SetAsync(string id, long amount, IProjectionTables tables, CancellationToken cancellationToken) => tables.ExecuteAsync(
            "INSERT INTO {balances} (id, balance) VALUES (@id, @amount) ON CONFLICT (id) DO UPDATE SET balance = excluded.balance",
            [("id", id), ("amount", amount)],
            cancellationToken);
    }

    private sealed class CountingOutsideItsTables : WrongProjection
    {
        private static long total;

        protected override Task ApplyAsync(string id, long amount, IProjectionTables tables, CancellationToken cancellationToken) =>
            SetAsync("total", Interlocked.Add(ref total, amount), tables, cancellationToken);
    }

    private sealed class RememberingStreams : WrongProjection
    {
        private readonly HashSet<string> seen = new(StringComparer.Ordinal);

        protected override Task ApplyAsync(string id, long amount, IProjectionTables tables, CancellationToken cancellationToken) => tables.ExecuteAsync(
            seen.Add(id) ? "INSERT INTO {balances} (id, balance) VALUES (@id, @amount)" : "UPDATE {balances} SET balance = balance + @amount WHERE id = @id",
            [("id", id), ("amount", amount)],
            cancellationToken);
    }

    private sealed class TakingTheLastOfEachBatch : WrongProjection
    {
        protected override IEnumerable<EventEnvelope> Chosen(IReadOnlyList<EventEnvelope> batch) =>
            batch.GroupBy(envelope => envelope.Record.Stream).Select(stream => stream.Last());
    }

    private sealed class WritingTheLiveTable : WrongProjection
    {
        protected override Task ApplyAsync(string id, long amount, IProjectionTables tables, CancellationToken cancellationToken) => tables.ExecuteAsync(
            "INSERT INTO balances_g1 (id, balance) VALUES (@id, @amount) ON CONFLICT (id) DO UPDATE SET balance = balance + excluded.balance",
            [("id", id), ("amount", amount)],
            cancellationToken);
    }

    private class LastWriterWins : WrongProjection
    {
        protected override Task ApplyAsync(string id, long amount, IProjectionTables tables, CancellationToken cancellationToken) =>
            SetAsync("last", amount, tables, cancellationToken);
    }

    [DependsOnPositions("The row is that of the newest event.")]
    private sealed class LastOfAll : LastWriterWins;

    private sealed class LeavingARow : WrongProjection
    {
        public override Task RemoveAsync(StreamId stream, IProjectionTables tables, CancellationToken cancellationToken) =>
            tables.ExecuteAsync("UPDATE {balances} SET balance = 0 WHERE id = @id", [("id", stream.Id)], cancellationToken);
    }

    private sealed class RemovingAllRows : WrongProjection
    {
        public override Task RemoveAsync(StreamId stream, IProjectionTables tables, CancellationToken cancellationToken) =>
            tables.ExecuteAsync("DELETE FROM {balances}", [], cancellationToken);
    }
}
