using System.Data.Common;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using GrpcCqrs.Storage.Projections;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>How a process hears of what others append, whatever the database. The runner's own poll is a minute away in all of them.</summary>
public abstract class CommitWatcherSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    private const int Rounds = 10;

    [SkippableFact]
    public async Task An_append_of_one_process_is_projected_by_another_without_its_polling()
    {
        var settings = fixture.NewStore();
        await using var reader = await StartReaderAsync(settings);
        await using var writer = await StartAsync(settings);

        for (var round = 0; round < Rounds; round++)
        {
            await AppendAndAwaitAsync(writer, reader);
        }

        Assert.Equal(Enumerable.Range(1, Rounds).Select(p => (long)p), await reader.ReadColumnAsync("SELECT position FROM seen_g1 ORDER BY number"));
    }

    [SkippableFact]
    public async Task A_store_in_which_nothing_happens_is_not_written_to()
    {
        var commits = 0;
        await using var store = await StartAsync(
            fixture.NewStore(),
            services => services.AddProjection<SeenProjection>()
                .DecorateSessions((session, provider) => new CountingSession(session, provider, () => Interlocked.Increment(ref commits))),
            ("Projections:PollInterval", "00:00:00.010"));
        await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1)), CancellationToken.None);
        await store.CatchUpAsync();
        await UntilAsync(async () => (await store.WriteColumnAsync("SELECT COUNT(*) FROM outbox"))[0] == 0);
        await LookAroundAsync(store);
        var before = Volatile.Read(ref commits);

        for (var look = 0; look < Rounds; look++)
        {
            await LookAroundAsync(store);
        }

        Assert.Equal(before, Volatile.Read(ref commits));
        Assert.True(before >= 2, "The append and the removal of its outbox row are two transactions.");
    }

    protected static Task<StoreHarness> StartReaderAsync(IReadOnlyDictionary<string, string?> settings) => StartAsync(
        settings,
        services => services.AddProjection<SeenProjection>(),
        ("Projections:PollInterval", "00:01:00"), ("Projections:MaxTokenWait", "00:00:30"));

    /// <summary>Appends while the reader's runner sleeps, for all that can be seen, and waits until it has projected that.</summary>
    protected static async Task AppendAndAwaitAsync(StoreHarness writer, StoreHarness reader)
    {
        // The runner's last deed is to trim the outbox, in a transaction that would show it the next event without any wake-up.
        await UntilAsync(async () => (await reader.WriteColumnAsync("SELECT COUNT(*) FROM outbox"))[0] == 0);
        await Task.Delay(TimeSpan.FromMilliseconds(100));
        var result = await writer.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1)), CancellationToken.None);
        await reader.ReadModel.WaitForAsync(Assert.IsType<AppendResult.Appended>(result).Position, [], null, CancellationToken.None);
    }

    /// <summary>Waits until the runner has looked once more, found nothing, and gone through to the end of that look.</summary>
    private static async Task LookAroundAsync(StoreHarness store)
    {
        var monitor = store.Services.GetRequiredService<IProjectionMonitor>();
        for (var looks = 0; looks < 2; looks++)
        {
            var before = monitor.Current.Single().ProgressTime;
            await UntilAsync(() => Task.FromResult(monitor.Current.Single().ProgressTime > before));
        }
    }

    private sealed class CountingSession(AppendSession inner, DatabaseProvider provider, Action committed) : AppendSession(inner.Connection, provider)
    {
        public override Task<DbTransaction> BeginAsync(CancellationToken cancellationToken) => inner.BeginAsync(cancellationToken);

        public override Task<(LogHead Head, AppendLookups Lookups)> LockAndLoadAsync(AppendLookupKeys keys, DbTransaction transaction, CancellationToken cancellationToken) =>
            inner.LockAndLoadAsync(keys, transaction, cancellationToken);

        public override Task<AppendLookups> LoadAsync(AppendLookupKeys keys, DbTransaction transaction, CancellationToken cancellationToken) =>
            inner.LoadAsync(keys, transaction, cancellationToken);

        public override Task WriteAsync(AppendRows rows, DbTransaction transaction, CancellationToken cancellationToken) =>
            inner.WriteAsync(rows, transaction, cancellationToken);

        public override async Task CommitAsync(DbTransaction transaction, CancellationToken cancellationToken)
        {
            await inner.CommitAsync(transaction, cancellationToken);
            committed();
        }
    }
}

public sealed class SqliteCommitWatcherSpecs(SqliteFixture fixture) : CommitWatcherSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlCommitWatcherSpecs(PostgreSqlFixture fixture) : CommitWatcherSpecs<PostgreSqlFixture>(fixture)
{
    private const int Kills = 5;
    private const string SelectListener =
        "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%(commit watcher)'";

    private readonly PostgreSqlFixture fixture = fixture;

    [SkippableFact]
    public async Task What_was_appended_while_the_listening_session_was_dead_is_projected_too()
    {
        var settings = fixture.NewStore();
        await using var reader = await StartReaderAsync(settings);

        // The writer's own listener would be another session of that name.
        await using var writer = await StartAsync(settings, services => services.Remove(
            services.Single(service => service.ImplementationType?.Name == "CommitWatcher")));
        await using var connection = new NpgsqlConnection(settings["Storage:Write:ConnectionString"]);
        for (var kill = 0; kill < Kills; kill++)
        {
            await AppendAndAwaitAsync(writer, reader);
            await UntilAsync(async () => await connection.ExecuteScalarAsync<long>($"SELECT COUNT(*) {SelectListener}") == 1);
            Assert.Equal(1, await connection.ExecuteScalarAsync<long>($"SELECT COUNT(pg_terminate_backend(pid)) {SelectListener}"));
            var unheard = await writer.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1)), CancellationToken.None);
            await reader.ReadModel.WaitForAsync(Assert.IsType<AppendResult.Appended>(unheard).Position, [], null, CancellationToken.None);
        }

        Assert.Equal(
            Enumerable.Range(1, 2 * Kills).Select(p => (long)p), await reader.ReadColumnAsync("SELECT position FROM seen_g1 ORDER BY number"));
    }

    [SkippableFact]
    public async Task A_transaction_notifies_once_with_the_newest_position_and_only_where_it_appended_events()
    {
        var settings = fixture.NewStore();
        await using var store = await StartAsync(settings);
        var told = new List<string>();
        await using var connection = new NpgsqlConnection(settings["Storage:Write:ConnectionString"]);
        connection.Notification += (_, notification) => told.Add(notification.Payload);
        await connection.OpenAsync();
        await connection.ExecuteAsync(PostgreSql.PostgreSqlSets.Listen);

        await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(1), Booking(2), Booking(3)), CancellationToken.None);
        await store.Store.AppendAsync(new AppendRequest { Audit = Context().AuditEntry() }, CancellationToken.None);
        await store.Store.AppendAsync(Append("a", ExpectedVersion.Exactly(3), Booking(4)), CancellationToken.None);
        await UntilAsync(async () => await connection.ExecuteScalarAsync<int>("SELECT 1") == 1 && told.Contains("4"));

        Assert.Equal(["3", "4"], told);
    }
}

public sealed class SqlServerCommitWatcherSpecs(SqlServerFixture fixture) : CommitWatcherSpecs<SqlServerFixture>(fixture);
