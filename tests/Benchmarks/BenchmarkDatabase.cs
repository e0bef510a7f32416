using GrpcCqrs.Storage.Tests;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Benchmarks;

/// <summary>New write and read databases for one service, both of the kind that was asked for, and gone when disposed of.</summary>
internal sealed class BenchmarkDatabase : IDisposable
{
    public const string Sqlite = "sqlite";
    public const string PostgreSql = "postgresql";

    private static readonly Lazy<string> Server = new(() =>
        Environment.GetEnvironmentVariable("GRPCCQRS_POSTGRESQL") is { Length: > 0 } configured ? configured
        : PostgreSqlCluster.FindBinaries() is { } binaries ? PostgreSqlCluster.Start(binaries, isDurable: true)
        : throw new InvalidOperationException("Neither GRPCCQRS_POSTGRESQL nor PostgreSQL's binaries in /usr/lib/postgresql are there."));

    private readonly DirectoryInfo data = System.IO.Directory.CreateTempSubdirectory("grpccqrs-bench-");
    private readonly List<string> names = [];

    /// <summary>Creates them.</summary>
    public BenchmarkDatabase(BenchmarkOptions options) => Settings = options.Database == PostgreSql
        ? [$"--Storage:Directory={data.FullName}", .. CreatePostgreSql("Write"), .. CreatePostgreSql("Read")]
        : [$"--Storage:Directory={data.FullName}"];

    /// <summary>A connection string that may create databases on PostgreSQL: GRPCCQRS_POSTGRESQL, else that of a private server.</summary>
    public static string PostgreSqlServer => Server.Value;

    /// <summary>Where a service keeps its files.</summary>
    public string Directory => data.FullName;

    /// <summary>The settings that lead a service to them.</summary>
    public string[] Settings { get; }

    public void Dispose()
    {
        foreach (var name in names)
        {
            Execute($"DROP DATABASE {name} WITH (FORCE)");
        }

        SqliteConnection.ClearAllPools();
        data.Delete(recursive: true);
    }

    private string[] CreatePostgreSql(string role)
    {
        var name = $"bench_{Guid.CreateVersion7():N}";
        var server = Execute($"CREATE DATABASE {name}");
        names.Add(name);
        return [$"--Storage:{role}:Provider=PostgreSql", $"--Storage:{role}:ConnectionString={new NpgsqlConnectionStringBuilder(server) { Database = name }}"];
    }

    private static string Execute(string text)
    {
        using var admin = new NpgsqlConnection(PostgreSqlServer);
        admin.Open();
        using var command = admin.CreateCommand();
        command.CommandText = text;
        command.ExecuteNonQuery();
        return PostgreSqlServer;
    }
}
