using GrpcCqrs.Storage;
using Hangfire;
using Hangfire.InMemory;
using Hangfire.PostgreSql;
using Hangfire.PostgreSql.Factories;
using Hangfire.SqlServer;
using Microsoft.Data.SqlClient;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace GrpcCqrs.Jobs.Hangfire;

/// <summary>Hangfire's storage: in the write database where Hangfire supports it, else in memory.</summary>
internal static class HangfireStorage
{
    private const string Schema = "hangfire";

    /// <summary>How long a job of a process that has died stays with it; ours are resumed sooner.</summary>
    private static readonly TimeSpan InvisibilityTimeout = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(10);

    /// <summary>How often an idle worker asks SQL Server for jobs.</summary>
    private static readonly TimeSpan QueuePollInterval = TimeSpan.FromSeconds(1);

    /// <summary>Makes the storage without touching the database.</summary>
    public static JobStorage Create(IServiceProvider services)
    {
        var database = services.GetRequiredService<WriteDatabase>();
        var options = services.GetRequiredService<IOptions<JobScheduleOptions>>().Value;
        return (options.Storage == JobStorageKind.Memory ? "" : database.Provider.Name) switch
        {
            "PostgreSql" => OnPostgreSql(database.ConnectionString),
            "SqlServer" => new SqlServerStorage(database.ConnectionString, new SqlServerStorageOptions
            {
                SchemaName = Schema,
                SqlClientFactory = SqlClientFactory.Instance,
                PrepareSchemaIfNecessary = false,
                SlidingInvisibilityTimeout = InvisibilityTimeout,
                QueuePollInterval = QueuePollInterval,
            }),
            _ => new InMemoryStorage(),
        };
    }

    /// <summary>Creates or upgrades Hangfire's tables, once the write database is there.</summary>
    public static async Task InstallAsync(JobStorage storage, WriteDatabase database, CancellationToken cancellationToken)
    {
        if (storage is PostgreSqlStorage)
        {
            await using var connection = new NpgsqlConnection(database.ConnectionString);
            await connection.OpenAsync(cancellationToken);

            // Of several processes that start at once one installs at a time; the lock goes with the connection.
            await using (var locking = new NpgsqlCommand("SELECT pg_advisory_lock(hashtext('grpccqrs hangfire schema'))", connection))
            {
                await locking.ExecuteNonQueryAsync(cancellationToken);
            }

            PostgreSqlObjectsInstaller.Install(connection, Schema);
            await using var unlocking = new NpgsqlCommand("SELECT pg_advisory_unlock_all()", connection);
            await unlocking.ExecuteNonQueryAsync(cancellationToken);
        }
        else if (storage is SqlServerStorage)
        {
            await using var connection = new SqlConnection(database.ConnectionString);
            await connection.OpenAsync(cancellationToken);
            SqlServerObjectsInstaller.Install(connection, Schema, enableHeavyMigrations: true);
        }
    }

    private static PostgreSqlStorage OnPostgreSql(string connectionString)
    {
        var options = new PostgreSqlStorageOptions
        {
            SchemaName = Schema,
            PrepareSchemaIfNecessary = false,
            InvisibilityTimeout = InvisibilityTimeout,
            UseSlidingInvisibilityTimeout = true,

            // Hangfire holds its locks for moments; one that a killed process has left is ignored after this time, which is less than Hangfire waits for it.
            DistributedLockTimeout = LockTimeout,

            // Workers are notified of jobs, and ask only in case a notification is lost.
            EnableLongPolling = true,
            AllowDegradedModeWithoutStorage = false,
        };
        return new PostgreSqlStorage(new NpgsqlConnectionFactory(connectionString, options), options);
    }
}
