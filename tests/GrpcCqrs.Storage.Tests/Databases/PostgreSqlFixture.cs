using System.Data.Common;
using Dapper;
using Npgsql;

namespace GrpcCqrs.Storage.Tests;

/// <summary>A new PostgreSQL database a store, the read database beside it on SQLite unless a subclass wants it on the server too.</summary>
public class PostgreSqlFixture : IStoreFixture, IDisposable
{
    private readonly SqliteFixture readDatabases = new();
    private readonly List<string> created = [];

    /// <summary>The isolation level that sessions of the database begin with where nobody says otherwise.</summary>
    protected virtual string DefaultIsolation => "read committed";

    /// <summary>Whether the read database is a second database on the server.</summary>
    protected virtual bool ReadsToo => false;

    public IReadOnlyDictionary<string, string?> NewStore()
    {
        var settings = new Dictionary<string, string?>(readDatabases.NewStore(), StringComparer.Ordinal)
        {
            ["Storage:Write:Provider"] = "PostgreSql",
            ["Storage:Write:ConnectionString"] = NewDatabase(),
        };
        if (ReadsToo)
        {
            settings["Storage:Read:Provider"] = "PostgreSql";
            settings["Storage:Read:ConnectionString"] = NewDatabase();
        }

        return settings;
    }

    private string NewDatabase()
    {
        var name = $"specs_{Guid.CreateVersion7():N}";
        using var admin = new NpgsqlConnection(PostgreSqlServer.AdminConnectionString);
        admin.Execute($"CREATE DATABASE {name}");
        lock (created)
        {
            created.Add(name);
        }

        admin.Execute($"ALTER DATABASE {name} SET default_transaction_isolation = '{DefaultIsolation}'");
        var target = new NpgsqlConnectionStringBuilder(PostgreSqlServer.ConnectionStringTo(name))
        {
            // There are many databases, each with a pool of its own.
            ConnectionIdleLifetime = 5,
            ConnectionPruningInterval = 5,
        };
        return target.ConnectionString;
    }

    public async Task RefuseCorrelationAsync(DbConnection connection, string correlationId) =>
        await connection.ExecuteAsync($"ALTER TABLE events ADD CONSTRAINT refuse CHECK (correlation_id <> '{correlationId}')");

    public Task<DbException> TransientErrorAsync(DbConnection connection) =>
        Task.FromResult<DbException>(new NpgsqlException("injected", new IOException("injected")));

    public void Dispose()
    {
        readDatabases.Dispose();
        foreach (var name in created)
        {
            // FORCE ends the pooled connections with it.
            CleanUp.Try(name, () =>
            {
                using var admin = new NpgsqlConnection(PostgreSqlServer.AdminConnectionString);
                admin.Execute($"DROP DATABASE {name} WITH (FORCE)");
            });
        }

        GC.SuppressFinalize(this);
    }
}

/// <summary>Both databases on PostgreSQL.</summary>
public sealed class WholePostgreSqlFixture : PostgreSqlFixture
{
    protected override bool ReadsToo => true;
}

public sealed class RepeatableReadPostgreSqlFixture : PostgreSqlFixture
{
    protected override string DefaultIsolation => "repeatable read";
}

public sealed class SerializablePostgreSqlFixture : PostgreSqlFixture
{
    protected override string DefaultIsolation => "serializable";
}
