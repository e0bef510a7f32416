using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>What several writers on one database are promised, whatever the database.</summary>
public abstract class RacingSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    private const int Writers = 8;
    private const int Rounds = 25;

    [SkippableFact]
    public async Task Two_stores_on_one_database_append_as_if_they_were_one()
    {
        var settings = fixture.NewStore();
        await using var one = await StartAsync(settings);
        await using var two = await StartAsync(settings);

        var told = await Task.WhenAll(
            Workload.RunAsync(one.Store, "one", Writers, Rounds), Workload.RunAsync(two.Store, "two", Writers, Rounds));

        await VerifyAsync(two, told);
    }

    [SkippableFact]
    public async Task Two_processes_on_one_database_append_as_if_they_were_one()
    {
        var settings = fixture.NewStore();
        await using var store = await StartAsync(settings);
        using var other = await WriterProcess.StartAsync(settings, "other", Writers, Rounds);

        var told = await Task.WhenAll(other.RunAsync(), Workload.RunAsync(store.Store, "this", Writers, Rounds));

        await VerifyAsync(store, told);
    }

    private static async Task VerifyAsync(StoreHarness store, Answers[] told)
    {
        await Workload.VerifyAsync(store, told);
        Assert.Empty(told.SelectMany(answers => answers.Unavailable));
        Assert.Equal(Rounds - 1, told.Sum(answers => answers.Claimed));
        Assert.Equal([(2 * Writers * Rounds * 3) + Rounds - 1], await store.WriteColumnAsync("SELECT COUNT(*) FROM events"));
    }
}

public sealed class SqliteRacingSpecs(SqliteFixture fixture) : RacingSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlRacingSpecs(PostgreSqlFixture fixture) : RacingSpecs<PostgreSqlFixture>(fixture);

public sealed class RepeatableReadPostgreSqlRacingSpecs(RepeatableReadPostgreSqlFixture fixture)
    : RacingSpecs<RepeatableReadPostgreSqlFixture>(fixture);

public sealed class SerializablePostgreSqlRacingSpecs(SerializablePostgreSqlFixture fixture)
    : RacingSpecs<SerializablePostgreSqlFixture>(fixture);

public sealed class SqlServerRacingSpecs(SqlServerFixture fixture) : RacingSpecs<SqlServerFixture>(fixture);

public sealed class LockingSqlServerRacingSpecs(LockingSqlServerFixture fixture) : RacingSpecs<LockingSqlServerFixture>(fixture);
