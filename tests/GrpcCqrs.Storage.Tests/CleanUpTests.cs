using Dapper;
using Npgsql;
using Xunit;

namespace GrpcCqrs.Storage.Tests;

/// <summary>That a clean-up fails no test run.</summary>
public sealed class CleanUpTests
{
    [Fact]
    public void What_cannot_be_removed_is_left_without_an_exception() =>
        CleanUp.DeleteDirectory(Path.Combine(Path.GetTempPath(), Guid.CreateVersion7().ToString("N")));

    [SkippableFact]
    public void A_database_that_cannot_be_dropped_does_not_keep_the_others()
    {
        var fixture = new PostgreSqlFixture();
        var (gone, kept) = (NameOf(fixture.NewStore()), NameOf(fixture.NewStore()));
        using var admin = new NpgsqlConnection(PostgreSqlServer.AdminConnectionString);
        admin.Execute($"DROP DATABASE {gone}");

        fixture.Dispose();

        Assert.Equal(0, admin.ExecuteScalar<long>("SELECT COUNT(*) FROM pg_database WHERE datname = @kept", new { kept }));
    }

    private static string NameOf(IReadOnlyDictionary<string, string?> store) =>
        new NpgsqlConnectionStringBuilder(store["Storage:Write:ConnectionString"]).Database!;
}
