using System.Data.Common;
using Dapper;
using Microsoft.Data.SqlClient;
using Xunit;

namespace GrpcCqrs.Storage.Tests;

/// <summary>
/// A new SQL Server database a store, the read database beside it on SQLite unless a subclass wants it on the server too.
/// </summary>
public class SqlServerFixture : IStoreFixture, IDisposable
{
    private readonly SqliteFixture readDatabases = new();
    private readonly List<string> created = [];

    /// <summary>Whether readers see the last committed rows instead of waiting for the writer.</summary>
    protected virtual bool ReadsCommittedSnapshots => true;

    /// <summary>Whether the read database is a second database on the server.</summary>
    protected virtual bool ReadsToo => false;

    public IReadOnlyDictionary<string, string?> NewStore()
    {
        var settings = new Dictionary<string, string?>(readDatabases.NewStore(), StringComparer.Ordinal)
        {
            ["Storage:Write:Provider"] = "SqlServer",
            ["Storage:Write:ConnectionString"] = NewDatabase(),
        };
        if (ReadsToo)
        {
            settings["Storage:Read:Provider"] = "SqlServer";
            settings["Storage:Read:ConnectionString"] = NewDatabase();
        }

        return settings;
    }

    private string NewDatabase()
    {
        var name = $"specs_{Guid.CreateVersion7():N}";
        using var admin = new SqlConnection(SqlServerInstance.AdminConnectionString);
        admin.Execute($"CREATE DATABASE {name}");
        lock (created)
        {
            created.Add(name);
        }

        admin.Execute($"ALTER DATABASE {name} SET ALLOW_SNAPSHOT_ISOLATION ON");
        admin.Execute($"ALTER DATABASE {name} SET READ_COMMITTED_SNAPSHOT {(ReadsCommittedSnapshots ? "ON" : "OFF")}");
        return SqlServerInstance.ConnectionStringTo(name);
    }

    public async Task RefuseCorrelationAsync(DbConnection connection, string correlationId) =>
        await connection.ExecuteAsync($"ALTER TABLE events ADD CONSTRAINT refuse CHECK (correlation_id <> '{correlationId}')");

    /// <summary>A real one, since the driver's exception cannot be made: a command that runs out of time.</summary>
    public async Task<DbException> TransientErrorAsync(DbConnection connection)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = "WAITFOR DELAY '00:00:10'";
        command.CommandTimeout = 1;
        return await Assert.ThrowsAsync<SqlException>(() => command.ExecuteNonQueryAsync());
    }

    public void Dispose()
    {
        readDatabases.Dispose();
        foreach (var name in created)
        {
            CleanUp.Try(name, () =>
            {
                using var admin = new SqlConnection(SqlServerInstance.AdminConnectionString);
                admin.Execute($"ALTER DATABASE {name} SET SINGLE_USER WITH ROLLBACK IMMEDIATE; DROP DATABASE {name}");
            });
        }

        GC.SuppressFinalize(this);
    }
}

/// <summary>Both databases on SQL Server.</summary>
public sealed class WholeSqlServerFixture : SqlServerFixture
{
    protected override bool ReadsToo => true;
}

/// <summary>As SQL Server makes databases by itself: readers wait for writers.</summary>
public sealed class LockingSqlServerFixture : SqlServerFixture
{
    protected override bool ReadsCommittedSnapshots => false;
}
