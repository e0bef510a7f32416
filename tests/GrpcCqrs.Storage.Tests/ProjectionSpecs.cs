using System.ComponentModel.DataAnnotations;
using System.Data.Common;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.PostgreSql;
using GrpcCqrs.Storage.Projections;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>Notes every event that it is given, in order.</summary>
public class SeenProjection : IProjection
{
    public string Name => "seen";

    public virtual int Version => 1;

    public IReadOnlyList<ProjectionTable> Tables { get; } = [SeenRow.Table];

    public IReadOnlyCollection<Type> Handles { get; } = [typeof(LedgerEvent)];

    public async Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, IProjectionTables tables, CancellationToken cancellationToken)
    {
        foreach (var envelope in batch)
        {
            await tables.ExecuteAsync("INSERT INTO {seen} (position) VALUES (@position)", [("position", envelope.Record.Position)], cancellationToken);
        }
    }
}

public sealed class SeenProjectionVersion2 : SeenProjection
{
    public override int Version => 2;
}

/// <summary>The second version, in a table of another name and shape.</summary>
public sealed class OtherwiseSeenProjection : IProjection
{
    public string Name => "seen";

    public int Version { get; init; } = 2;

    public IReadOnlyList<ProjectionTable> Tables { get; } = [new("seen_otherwise", typeof(OtherwiseSeenRow))];

    public IReadOnlyCollection<Type> Handles { get; } = [typeof(LedgerEvent)];

    public async Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, IProjectionTables tables, CancellationToken cancellationToken)
    {
        foreach (var (record, _) in batch)
        {
            await tables.ExecuteAsync("INSERT INTO {seen_otherwise} (position) VALUES (@position)", [("position", record.Position)], cancellationToken);
        }
    }
}

public sealed class OtherwiseSeenRow
{
    [Key]
    public required long Position { get; set; }
}

/// <summary>Adds up bookings; chokes on 13 for as long as it is told to.</summary>
public class BalanceProjection : IProjection
{
    private int attemptsOnPoison;

    public bool IsPoisoned { get; set; }

    public int AttemptsOnPoison => Volatile.Read(ref attemptsOnPoison);

    public string Name => "balances";

    public int Version => 1;

    public IReadOnlyList<ProjectionTable> Tables { get; } = [BalanceRow.Table];

    public IReadOnlyCollection<Type> Handles { get; } = [typeof(AmountBooked)];

    public async Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, IProjectionTables tables, CancellationToken cancellationToken)
    {
        foreach (var envelope in batch)
        {
            var booked = (AmountBooked)envelope.Event;
            (string Name, object? Value)[] parameters = [("id", envelope.Record.Stream.Id), ("amount", booked.Amount)];
            if (await tables.ExecuteAsync("UPDATE {balances} SET balance = balance + @amount WHERE id = @id", parameters, cancellationToken) == 0)
            {
                await tables.ExecuteAsync("INSERT INTO {balances} (id, balance) VALUES (@id, @amount)", parameters, cancellationToken);
            }

            if (booked.Amount == 13 && IsPoisoned)
            {
                Interlocked.Increment(ref attemptsOnPoison);
                throw new InvalidOperationException("Thirteen.");
            }
        }
    }
}

/// <summary>What the projection runner promises, whatever the database.</summary>
public abstract class ProjectionSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    private static CancellationToken None => CancellationToken.None;

    [SkippableFact]
    public async Task Every_event_is_applied_once_and_in_order_and_the_outbox_empties()
    {
        await using var store = await StartAsync(fixture.NewStore(), WithBoth());
        await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            for (var number = 0; number < 25; number++)
            {
                await store.Store.AppendAsync(Append($"w{writer}", ExpectedVersion.Any, Booking(1)), None);
            }
        })));
        await store.CatchUpAsync();

        Assert.Equal(Enumerable.Range(1, 200).Select(p => (long)p), await store.ReadColumnAsync("SELECT position FROM seen_g1 ORDER BY number"));
        Assert.Equal(Enumerable.Repeat(25L, 8), await store.ReadColumnAsync("SELECT balance FROM balances_g1"));
        await OutboxIsEmptyAsync(store);
    }

    [SkippableFact]
    public async Task A_restart_with_outbox_rows_that_were_applied_already_applies_nothing_twice()
    {
        var settings = fixture.NewStore();
        await using (var store = await StartAsync(settings, WithBoth()))
        {
            await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1), Booking(2), Booking(3)), None);
            await store.CatchUpAsync();
            await OutboxIsEmptyAsync(store);

            // What a crash between the read database's commit and the outbox's trimming leaves behind.
            await using var connection = await store.OpenWriteAsync();
            await connection.ExecuteAsync("INSERT INTO outbox (last_position, first_position, time_us) VALUES (2, 1, 0), (3, 3, 0)");
        }

        await using var again = await StartAsync(settings, WithBoth());
        await again.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(4)), None);
        await again.CatchUpAsync();

        Assert.Equal([1L, 2L, 3L, 4L], await again.ReadColumnAsync("SELECT position FROM seen_g1 ORDER BY number"));
        Assert.Equal([10L], await again.ReadColumnAsync("SELECT balance FROM balances_g1"));
        await OutboxIsEmptyAsync(again);
    }

    [SkippableFact]
    public async Task A_lost_read_database_is_folded_anew_from_the_events()
    {
        var settings = fixture.NewStore();
        await using (var store = await StartAsync(settings, WithBoth()))
        {
            await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1), Booking(2)), None);
            await store.CatchUpAsync();
            await using var connection = await store.OpenReadAsync();
            await connection.ExecuteAsync("DELETE FROM projections; DROP TABLE balances_g1; DROP TABLE seen_g1;");
        }

        await using var again = await StartAsync(settings, WithBoth());
        await again.CatchUpAsync();

        Assert.Equal([3L], await again.ReadColumnAsync("SELECT balance FROM balances_g1"));
        Assert.Equal([1L, 2L], await again.ReadColumnAsync("SELECT position FROM seen_g1 ORDER BY number"));
    }

    [SkippableFact]
    public async Task A_projection_whose_version_was_raised_starts_over_and_the_others_stay()
    {
        var settings = fixture.NewStore();
        await using (var store = await StartAsync(settings, WithBoth()))
        {
            await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1), Booking(2)), None);
            await store.CatchUpAsync();
            await using var connection = await store.OpenReadAsync();
            await connection.ExecuteAsync("DELETE FROM seen_g1; UPDATE balances_g1 SET balance = 100;");
        }

        await using var again = await StartAsync(
            settings, services => services.AddProjection<SeenProjectionVersion2>().AddProjection<BalanceProjection>());
        await again.CatchUpAsync();

        await UntilAsync(() => again.Services.GetRequiredService<IProjectionMonitor>().Current.Any(p => p is { Name: "seen", Version: 2, State: GenerationState.Live }));
        Assert.Equal([1L, 2L], await again.ReadColumnAsync($"SELECT position FROM {(await again.ReadModel.ViewAsync(["seen"], None)).Table("seen")} ORDER BY number"));
        Assert.Equal([100L], await again.ReadColumnAsync("SELECT balance FROM balances_g1"));
    }

    [SkippableFact]
    public async Task A_version_with_other_tables_leaves_nothing_of_the_old_ones_behind()
    {
        var settings = fixture.NewStore();
        await using (var store = await StartAsync(settings, services => services.AddProjection<SeenProjection>()))
        {
            await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1), Booking(2)), None);
            await store.CatchUpAsync();
        }

        await using var again = await StartAsync(
            settings, services => services.AddProjection<OtherwiseSeenProjection>(), ("Projections:DropDelay", "00:00:00.010"));
        await UntilAsync(() => again.Projections.Any(p => p is { Version: 2, State: GenerationState.Live }));
        await again.Operations.DropPreviousAsync("seen", "operator", None);
        await UntilAsync(() => again.Projections is [{ Generation: 2 }]);
        Assert.Equal([1L, 2L], await again.ReadColumnAsync("SELECT position FROM seen_otherwise_g2 ORDER BY position"));
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => again.ReadColumnAsync("SELECT position FROM seen_g1"));
    }

    [SkippableFact]
    public async Task A_changed_row_class_without_a_raised_version_stops_the_start_with_what_to_do()
    {
        var settings = fixture.NewStore();
        await (await StartAsync(settings, services => services.AddProjection<SeenProjection>())).DisposeAsync();

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(
            () => StartAsync(settings, services => services.AddSingleton<IProjection>(new OtherwiseSeenProjection { Version = 1 })));
        Assert.Contains("raise Version", refused.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_read_database_of_another_store_is_not_continued()
    {
        var settings = fixture.NewStore();
        await using (var store = await StartAsync(settings, WithBoth()))
        {
            await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1), Booking(2)), None);
            await store.CatchUpAsync();
            await using var connection = await store.OpenReadAsync();
            await connection.ExecuteAsync("UPDATE projections SET store_id = @Other", new { Other = Guid.CreateVersion7() });
        }

        await using var again = await StartAsync(settings, WithBoth());
        await again.CatchUpAsync();

        Assert.Equal([1L, 2L], await again.ReadColumnAsync("SELECT position FROM seen_g2 ORDER BY number"));
        Assert.Equal([3L], await again.ReadColumnAsync("SELECT balance FROM balances_g2"));
    }

    [SkippableFact]
    public async Task A_failing_projection_stops_before_the_bad_event_while_the_others_go_on_and_recovers()
    {
        var balances = new BalanceProjection { IsPoisoned = true };
        await using var store = await StartAsync(
            fixture.NewStore(),
            services => services.AddProjection<SeenProjection>().AddSingleton<IProjection>(balances),
            ("Projections:RetryDelay", "00:00:00.010"), ("Projections:MaxRetryDelay", "00:00:00.050"), ("Projections:MaxTokenWait", "00:00:00.200"));
        var monitor = store.Services.GetRequiredService<IProjectionMonitor>();
        await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1), Booking(2), Booking(13), Booking(4)), None);

        // Told after the attempt: while one runs, what is told is still that an event before went well.
        await UntilAsync(() => balances.AttemptsOnPoison > 3 && monitor.Current.Single(p => p.Name == "seen").Position == 4
            && monitor.Current.Single(p => p.Name == "balances").LastError is not null);
        var failing = monitor.Current.Single(p => p.Name == "balances");
        Assert.Equal(2, failing.Position);
        Assert.Equal("InvalidOperationException: Thirteen.", failing.LastError);
        Assert.Equal([3L], await store.ReadColumnAsync("SELECT balance FROM balances_g1"));
        var behind = await Assert.ThrowsAsync<RejectedException>(() => store.ReadModel.WaitForAsync(4, [], null, None).AsTask());
        Assert.Equal(EngineErrors.ReadModelBehind, behind.Code);
        Assert.NotNull(behind.RetryAfter);

        balances.IsPoisoned = false;
        await UntilAsync(() => monitor.Current.All(p => p is { Position: 4, FailedAttempts: 0, LastError: null }));
        Assert.Equal([20L], await store.ReadColumnAsync("SELECT balance FROM balances_g1"));
    }

    [SkippableFact]
    public async Task Two_runners_on_one_pair_of_databases_apply_every_event_once()
    {
        var settings = fixture.NewStore();
        await using var one = await StartAsync(settings, WithBoth(), ("Projections:PollInterval", "00:00:00.010"));
        await using var two = await StartAsync(settings, WithBoth(), ("Projections:PollInterval", "00:00:00.010"));
        for (var number = 0; number < 60; number++)
        {
            await (number % 2 == 0 ? one : two).Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1)), None);
        }

        await one.CatchUpAsync();
        await two.CatchUpAsync();

        Assert.Equal(Enumerable.Range(1, 60).Select(p => (long)p), await one.ReadColumnAsync("SELECT position FROM seen_g1 ORDER BY number"));
        Assert.Equal([60L], await two.ReadColumnAsync("SELECT balance FROM balances_g1"));
    }

    private protected static Action<IServiceCollection> WithBoth() =>
        services => services.AddProjection<SeenProjection>().AddProjection<BalanceProjection>();

    private static async Task OutboxIsEmptyAsync(StoreHarness store) =>
        await UntilAsync(async () => (await store.WriteColumnAsync("SELECT COUNT(*) FROM outbox"))[0] == 0);

}

public sealed class SqliteProjectionSpecs(SqliteFixture fixture) : ProjectionSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlProjectionSpecs(PostgreSqlFixture fixture) : ProjectionSpecs<PostgreSqlFixture>(fixture);

public sealed class SqlServerProjectionSpecs(SqlServerFixture fixture) : ProjectionSpecs<SqlServerFixture>(fixture);

public sealed class WholePostgreSqlProjectionSpecs(WholePostgreSqlFixture fixture) : ProjectionSpecs<WholePostgreSqlFixture>(fixture)
{
    private readonly WholePostgreSqlFixture fixture = fixture;

    [SkippableFact]
    public async Task A_projector_that_stopped_within_a_transaction_is_replaced()
    {
        var settings = fixture.NewStore();
        await using (var store = await StartAsync(settings, WithBoth()))
        {
            await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1)), CancellationToken.None);
            await store.CatchUpAsync();
        }

        // What a process that got SIGSTOP leaves behind: an open transaction that has locked the lease.
        var provider = new PostgreSqlProvider();
        await using var stopped = provider.CreateConnection(settings["Storage:Read:ConnectionString"]!);
        await stopped.OpenAsync();
        await provider.PrepareAsync(stopped, ConnectionUse.Projections, TimeSpan.FromSeconds(1), CancellationToken.None);
        await stopped.ExecuteAsync("UPDATE leases SET holder = 'stopped', fence = fence + 1");
        await stopped.ExecuteAsync("BEGIN; UPDATE leases SET beat = beat + 1");

        await using var next = await StartAsync(settings, WithBoth(), ("Projections:LeaseDuration", "00:00:01"));
        await next.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(2)), CancellationToken.None);
        await next.CatchUpAsync();

        Assert.Equal([3L], await next.ReadColumnAsync("SELECT balance FROM balances_g1"));
        await Assert.ThrowsAnyAsync<DbException>(() => stopped.ExecuteAsync("COMMIT"));
    }

    [SkippableFact]
    public async Task A_lost_connection_is_replaced_and_no_projection_is_blamed()
    {
        await using var store = await StartAsync(fixture.NewStore(), WithBoth());
        for (var round = 1; round <= 3; round++)
        {
            await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1)), CancellationToken.None);
            await store.CatchUpAsync();
            await using var connection = await store.OpenReadAsync();
            Assert.NotEmpty(await connection.QueryAsync<bool>(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"));
        }

        await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1)), CancellationToken.None);
        await store.CatchUpAsync();
        Assert.Equal([4L], await store.ReadColumnAsync("SELECT balance FROM balances_g1"));
        Assert.All(store.Services.GetRequiredService<IProjectionMonitor>().Current, status => Assert.Null(status.LastError));
    }
}

public sealed class WholeSqlServerProjectionSpecs(WholeSqlServerFixture fixture) : ProjectionSpecs<WholeSqlServerFixture>(fixture);
