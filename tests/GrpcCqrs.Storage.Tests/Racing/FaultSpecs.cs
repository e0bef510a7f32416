using System.Collections.Concurrent;
using Dapper;
using GrpcCqrs.EventSourcing;
using Npgsql;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>What callers are told stays true when transactions fail anywhere, whatever the database.</summary>
public abstract class FaultSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    [SkippableTheory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Failures_between_the_statements_leave_no_gap_and_every_answer_true(int seed)
    {
        var settings = fixture.NewStore();
        await using var observer = await StartAsync(settings);
        await using var connection = await observer.OpenWriteAsync();
        var faults = new Faults(seed, await fixture.TransientErrorAsync(connection)) { IsOn = true };
        Answers told;
        await using (var store = await StartAsync(
            settings, services => services.DecorateSessions((session, provider) => new FaultySession(session, provider, faults))))
        {
            told = await Workload.RunAsync(store.Store, "one", writers: 8, rounds: 25);
            faults.IsOn = false;
        }

        Assert.True(faults.Thrown > 10);
        Assert.NotEmpty(told.Unavailable);
        Assert.NotEmpty(told.Appended);
        await Workload.VerifyAsync(observer, told);
    }

    [SkippableFact]
    public async Task A_commit_that_took_place_although_it_seemed_to_fail_is_not_repeated()
    {
        var settings = fixture.NewStore();
        await using var observer = await StartAsync(settings);
        await using var connection = await observer.OpenWriteAsync();
        var failures = new LostCommits(await fixture.TransientErrorAsync(connection));
        await using var store = await StartAsync(settings, failures.Install);

        for (var number = 1; number <= 5; number++)
        {
            // No expected version and no command id: nothing but the look for the lost commit keeps the event from being there twice.
            Assert.Equal(
                new AppendResult.Appended(number, number),
                await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(number)), CancellationToken.None));
        }

        Assert.Equal(5, failures.Count);
        Assert.Equal([5L], await observer.WriteColumnAsync("SELECT COUNT(*) FROM events"));
    }
}

public sealed class SqliteFaultSpecs(SqliteFixture fixture) : FaultSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlFaultSpecs(PostgreSqlFixture fixture) : FaultSpecs<PostgreSqlFixture>(fixture)
{
    private readonly PostgreSqlFixture fixture = fixture;

    [SkippableFact]
    public async Task Sessions_killed_at_random_moments_leave_no_gap_and_every_answer_true()
    {
        const int Kills = 40;
        const int MaxRuns = 200;
        var settings = fixture.NewStore();
        await using var one = await StartAsync(settings);
        await using var two = await StartAsync(settings);
        var told = new ConcurrentBag<Answers>();
        var killed = 0L;
        var writing = Task.WhenAll(WriteAsync(one.Store, "one"), WriteAsync(two.Store, "two"));
        await using (var connection = new NpgsqlConnection(settings["Storage:Write:ConnectionString"] + ";Application Name=killer"))
        {
            var random = new Random(1);
            while (!writing.IsCompleted)
            {
                await Task.Delay(random.Next(1, 40));
                Volatile.Write(ref killed, killed + await connection.ExecuteScalarAsync<long>(
                    "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND application_name <> 'killer'"));
            }
        }

        await writing;

        Assert.True(killed >= Kills, $"{killed} sessions were killed.");
        await Workload.VerifyAsync(one, [.. told]);

        async Task WriteAsync(IEventStore store, string name)
        {
            for (var run = 0; run < MaxRuns && Volatile.Read(ref killed) < Kills; run++)
            {
                told.Add(await Workload.RunAsync(store, $"{name}-{run}", writers: 8, rounds: 15));
            }
        }
    }
}

public sealed class SqlServerFaultSpecs(SqlServerFixture fixture) : FaultSpecs<SqlServerFixture>(fixture);

public sealed class RepeatableReadPostgreSqlFaultSpecs(RepeatableReadPostgreSqlFixture fixture) : FaultSpecs<RepeatableReadPostgreSqlFixture>(fixture);

public sealed class LockingSqlServerFaultSpecs(LockingSqlServerFixture fixture) : FaultSpecs<LockingSqlServerFixture>(fixture);
