using GrpcCqrs.Storage.Databases;
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

/// <summary>Hangfire's storage: in the write database if Hangfire supports it, otherwise in memory.</summary>
internal static class HangfireStorage
{
    private const string Schema = "hangfire";

    /// <summary>
    /// How long Hangfire keeps a job assigned to a dead process. The engine's own jobs are resumed sooner.
    /// </summary>
    private static readonly TimeSpan InvisibilityTimeout = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(10);

    /// <summary>How often an idle worker polls SQL Server for jobs.</summary>
    private static readonly TimeSpan QueuePollInterval = TimeSpan.FromSeconds(1);

    /// <summary>Creates the storage without accessing the database.</summary>
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

    /// <summary>Creates or upgrades Hangfire's tables, once the write database exists.</summary>
    public static async Task InstallAsync(JobStorage storage, WriteDatabase database, CancellationToken cancellationToken)
    {
        if (storage is PostgreSqlStorage)
        {
            await using var connection = new NpgsqlConnection(database.ConnectionString);
            await connection.OpenAsync(cancellationToken);

            // Only one of several processes that start together installs at a time. The lock is released with the
            // connection.
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

            // Hangfire holds its locks only briefly. A lock left by a killed process is ignored after this time, which
            // is shorter than Hangfire waits for it.
            DistributedLockTimeout = LockTimeout,

            // Workers are notified of jobs, and poll only in case a notification is lost.
            EnableLongPolling = true,
            AllowDegradedModeWithoutStorage = false,
        };
        return new PostgreSqlStorage(new NpgsqlConnectionFactory(connectionString, options), options);
    }
}
