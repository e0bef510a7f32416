using System.Collections.Concurrent;
using System.Data.Common;
using Dapper;
using GrpcCqrs.Storage.Tests;
using Microsoft.Data.Sqlite;
using Npgsql;
using Xunit;
using Xunit.Abstractions;

namespace Blog.ProcessTests;

/// <summary>What a caller may rely on when the service is killed under load, whatever the write database.</summary>
public abstract class KillTests<TFixture>(TFixture fixture, ITestOutputHelper output) : KillTestBase, IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    private const int StartKills = 6;

    [LongFact]
    public async Task Every_acknowledged_command_survives_SIGKILL_exactly_once()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}, {Kills} kills");
        var store = fixture.NewStore();
        var random = new Random(seed);
        var answers = new ConcurrentDictionary<string, (string PostId, long Version)>(StringComparer.Ordinal);
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var server = await StartAsync(store);
            var before = answers.Count;
            var load = LoadUntilKilledAsync(server.GrpcAddress, random, answers);
            await UntilAsync(() => answers.Count > before);
            await Task.Delay(random.Next(0, 500));
            await server.KillAsync();
            await load;
            output.WriteLine($"kill {kill}: {answers.Count - before} commands were acknowledged");
        }

        await using var again = await StartAsync(store);
        await CheckAsync(store, again.GrpcAddress, answers);
    }

    [LongFact]
    public async Task A_start_that_was_killed_at_any_point_does_not_stand_in_the_way_of_the_next()
    {
        // The first starts create the databases' tables, so that some are killed while they migrate.
        var store = fixture.NewStore();
        var random = new Random();
        for (var kill = 0; kill < StartKills; kill++)
        {
            await ServerProcess.KillWhileStartingAsync(DirectoryOf(store), TimeSpan.FromMilliseconds(300 + random.Next(900)), SettingsOf(store));
            if (kill % 3 == 2)
            {
                await using var started = await StartAsync(store);
            }
        }

        await using var server = await StartAsync(store);
        await CreateFirstPostAsync(server.GrpcAddress);
    }
}

public sealed class SqliteKillTests(SqliteFixture fixture, ITestOutputHelper output) : KillTests<SqliteFixture>(fixture, output)
{
    private readonly SqliteFixture fixture = fixture;

    [LongFact]
    public async Task The_lock_that_a_killed_migration_left_behind_does_not_stop_the_next_start()
    {
        var store = fixture.NewStore();
        await using (await StartAsync(store))
        {
            await using var connection = ConnectTo(store);
            await connection.ExecuteAsync("""INSERT OR IGNORE INTO "__EFMigrationsLock" ("Id", "Timestamp") VALUES (1, '2026-01-01')""");
        }

        await using var server = await StartAsync(store);
        await CreateFirstPostAsync(server.GrpcAddress);
    }

    protected override DbConnection ConnectTo(IReadOnlyDictionary<string, string?> store) =>
        new SqliteConnection($"Data Source={Path.Combine(DirectoryOf(store), "write.db")}");

    protected override async Task CheckFilesAsync(DbConnection connection) =>
        Assert.Equal("ok", await connection.ExecuteScalarAsync<string>("PRAGMA integrity_check"));
}

public sealed class PostgreSqlKillTests(PostgreSqlFixture fixture, ITestOutputHelper output) : KillTests<PostgreSqlFixture>(fixture, output)
{
    protected override DbConnection ConnectTo(IReadOnlyDictionary<string, string?> store) =>
        new NpgsqlConnection(store["Storage:Write:ConnectionString"]);
}

/// <summary>What callers of one process notice of the death of another on the same database.</summary>
public sealed class PeerKillTests(PostgreSqlFixture fixture) : KillTestBase, IClassFixture<PostgreSqlFixture>
{
    [LongFact]
    public async Task SIGKILL_of_one_of_two_processes_on_one_database_loses_nothing_and_no_caller_of_the_other_notices()
    {
        const int MoreAnswers = 20;
        var store = fixture.NewStore();
        var random = new Random();
        ConcurrentDictionary<string, (string PostId, long Version)> told = new(StringComparer.Ordinal), toldByKilled = new(StringComparer.Ordinal);
        var (living, dying) = (await StartAsync(store), await StartAsync(store));
        try
        {
            for (var kill = 0; kill <= Kills / 3; kill++)
            {
                var isOver = false;
                var (before, beforeOfKilled) = (told.Count, toldByKilled.Count);
                var load = LoadUntilKilledAsync(dying.GrpcAddress, random, toldByKilled);
                var other = Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => random.Next())
                    .Select(seed => LoadAsync(living.GrpcAddress, seed, told, () => Volatile.Read(ref isOver))));
                await UntilAsync(() => told.Count > before && toldByKilled.Count > beforeOfKilled);
                await Task.Delay(random.Next(0, 300));
                await dying.KillAsync();
                await load;
                var then = told.Count;
                await UntilAsync(() => told.Count > then + MoreAnswers || other.IsFaulted);
                Volatile.Write(ref isOver, true);
                await other;
                await dying.DisposeAsync();

                // Each is killed in its turn, so that also the one dies that projects.
                (living, dying) = (await StartAsync(store), living);
            }

            await CheckAsync(store, living.GrpcAddress, told.Concat(toldByKilled).ToDictionary(StringComparer.Ordinal));
        }
        finally
        {
            await living.DisposeAsync();
            await dying.DisposeAsync();
        }
    }

    protected override DbConnection ConnectTo(IReadOnlyDictionary<string, string?> store) =>
        new NpgsqlConnection(store["Storage:Write:ConnectionString"]);
}
