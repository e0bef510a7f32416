using GrpcCqrs.Storage.Tests;
using Npgsql;

namespace Benchmarks;

/// <summary>The write database that a benchmark runs on.</summary>
internal static class BenchmarkDatabase
{
    public const string Sqlite = "sqlite";
    public const string PostgreSql = "postgresql";

    /// <summary>The settings that lead a service to a new database.</summary>
    public static string[] Settings(BenchmarkOptions options)
    {
        if (options.Database == Sqlite)
        {
            return [];
        }

        var server = PostgreSqlCluster.AdminConnectionString
            ?? throw new InvalidOperationException("Neither GRPCCQRS_POSTGRESQL nor PostgreSQL's binaries in /usr/lib/postgresql are there.");
        var name = $"bench_{Guid.CreateVersion7():N}";
        using var admin = new NpgsqlConnection(server);
        admin.Open();
        using var create = admin.CreateCommand();
        create.CommandText = $"CREATE DATABASE {name}";
        create.ExecuteNonQuery();
        return ["--Storage:Write:Provider=PostgreSql", $"--Storage:Write:ConnectionString={new NpgsqlConnectionStringBuilder(server) { Database = name }}"];
    }
}
