using Npgsql;
using Testcontainers.PostgreSql;

namespace GrpcCqrs.Storage.Tests;

/// <summary>The PostgreSQL server of the specs. CI demands one.</summary>
internal static class PostgreSqlServer
{
    private const string Image = "postgres:15";

    /// <summary>Testcontainers' own settings would also have commits answered before they are flushed, which the specs are to decide.</summary>
    private static readonly string[] Settings = [.. PostgreSqlCluster.WithoutFlushes, "-c", "synchronous_commit=on", "-c", "max_connections=300"];

    private static readonly TestServer Server = new(
        () => ServerSource.Choose(
            "PostgreSQL", "GRPCCQRS_POSTGRESQL", Environment.GetEnvironmentVariable("GRPCCQRS_POSTGRESQL"), PostgreSqlCluster.FindBinaries, DockerEndpoint.Find),
        source => source is ServerSource.Installed installed
            ? PostgreSqlCluster.Start(installed.Binaries, isDurable: false)
            : DockerEndpoint.Start(new PostgreSqlBuilder(Image).WithCommand(Settings).Build()),
        server =>
        {
            using var connection = new NpgsqlConnection(server);
            connection.Open();
        },
        TestServer.IsCI);

    /// <summary>A connection string that may create databases.</summary>
    public static string AdminConnectionString => ConnectionStringTo(null);

    /// <summary>A connection string to a database, which waits for a busy server longer than the driver would.</summary>
    public static string ConnectionStringTo(string? database)
    {
        var builder = new NpgsqlConnectionStringBuilder(Server.AdminConnectionString)
        {
            Timeout = (int)Patience.Limit.TotalSeconds,
            CommandTimeout = (int)Patience.Limit.TotalSeconds,
        };
        builder.Database = database ?? builder.Database;
        return builder.ConnectionString;
    }
}
