using System.Data.Common;
using System.Diagnostics;
using Blog.Application;
using Blog.Infrastructure;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using GrpcCqrs.Storage.Schema;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Benchmarks;

/// <summary>
/// The ceiling of the database: the rows that a command writes, into the same tables under the same settings, by prepared statements
/// of the bare driver, and nothing else. A batch's rows are sent the way that is fastest: one after the other to SQLite, to PostgreSQL as
/// one statement a table that takes each column as an array, all of them in one round trip.
/// </summary>
internal sealed class RawDatabase : IAsyncDisposable
{
    private const int Batch = 100;

    private static readonly string[] EventColumns =
        ["position", "stream", "version", "event_id", "type", "schema_version", "payload", "command_id", "correlation_id", "causation_id", "user_name", "time_us", "hash"];

    private static readonly string[] AuditColumns =
        ["time_us", "command_type", "command_id", "user_name", "stream", "outcome", "error_reason", "duration_us", "position"];

    private readonly BenchmarkDatabase databases;
    private readonly DbConnection connection;
    private readonly DbCommand insertEvent;
    private readonly DbCommand insertOutbox;
    private readonly DbCommand insertAudit;
    private readonly byte[] payload = System.Text.Encoding.UTF8.GetBytes($"{{\"content\":\"{new string('x', 300)}\"}}");
    private long position;

    private RawDatabase(BenchmarkDatabase databases, DatabaseProvider provider, DbConnection connection)
    {
        this.databases = databases;
        this.connection = connection;
        insertEvent = Prepare(AppendSql.InsertEvent, EventColumns);
        insertOutbox = Prepare(AppendSql.InsertOutbox, "last_position", "first_position", "time_us");
        insertAudit = Prepare(AppendSql.InsertAudit, AuditColumns);
    }

    public static async Task<RawDatabase> OpenAsync(BenchmarkOptions options)
    {
        var created = new BenchmarkDatabase(options);
        var configuration = new ConfigurationBuilder().AddCommandLine(created.Settings).Build();
        await using var services = new ServiceCollection()
            .AddSingleton<IConfiguration>(configuration).AddLogging().AddBlogApplication().AddBlogInfrastructure().BuildServiceProvider();
        await services.GetRequiredService<StorageInitializer>().InitializeAsync(CancellationToken.None);
        var database = services.GetRequiredService<WriteDatabase>();
        var opened = await database.OpenAsync(CancellationToken.None);
        await database.Provider.PrepareAsync(opened, ConnectionUse.Appends, Timeout.InfiniteTimeSpan, CancellationToken.None);
        return new RawDatabase(created, database.Provider, opened);
    }

    /// <summary>One event a transaction.</summary>
    public Task<Sample> SingleRowsAsync(TimeSpan length) => RunAsync(length, commands: 1, insertEvent);

    /// <summary>All rows of 100 commands a transaction.</summary>
    public Task<Sample> BatchesAsync(TimeSpan length) => connection is NpgsqlConnection server
        ? RunSetsAsync(server, length)
        : RunAsync(length, Batch, insertEvent, insertAudit);

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync();
        databases.Dispose();
    }

    // On the thread pool: SQLite's driver blocks, whatever its methods are called.
    private Task<Sample> RunAsync(TimeSpan length, int commands, params DbCommand[] statements) => Task.Run(async () =>
    {
        using var process = Process.GetCurrentProcess();
        var sample = await Load.RunAsync(1, length, async (_, random) =>
        {
            await using var transaction = await connection.BeginTransactionAsync();
            for (var command = 0; command < commands; command++)
            {
                var values = Values(random);
                foreach (var statement in statements)
                {
                    statement.Transaction = transaction;
                    foreach (DbParameter parameter in statement.Parameters)
                    {
                        parameter.Value = values[parameter.ParameterName];
                    }

                    await statement.ExecuteNonQueryAsync();
                }
            }

            if (commands > 1)
            {
                insertOutbox.Transaction = transaction;
                var last = Values(random);
                foreach (DbParameter parameter in insertOutbox.Parameters)
                {
                    parameter.Value = last[parameter.ParameterName];
                }

                await insertOutbox.ExecuteNonQueryAsync();
            }

            await transaction.CommitAsync();
        });
        return sample with { PerSecond = sample.PerSecond * commands };
    });

    private async Task<Sample> RunSetsAsync(NpgsqlConnection server, TimeSpan length)
    {
        var sample = await Load.RunAsync(1, length, async (_, random) =>
        {
            var rows = Enumerable.Range(0, Batch).Select(_ => Values(random)).ToArray();
            await using var transaction = await server.BeginTransactionAsync();
            await using var batch = new NpgsqlBatch(server, transaction);
            batch.BatchCommands.Add(SetOf("events", EventColumns, rows));
            batch.BatchCommands.Add(SetOf("outbox", ["last_position", "first_position", "time_us"], rows[^1..]));
            batch.BatchCommands.Add(SetOf("audit", AuditColumns, rows));
            await batch.ExecuteNonQueryAsync();
            await transaction.CommitAsync();
        });
        return sample with { PerSecond = sample.PerSecond * Batch };
    }

    private static NpgsqlBatchCommand SetOf(string table, string[] columns, Dictionary<string, object>[] rows)
    {
        var command = new NpgsqlBatchCommand(
            $"INSERT INTO {table} ({string.Join(", ", columns)}) SELECT * FROM unnest({string.Join(", ", columns.Select((_, index) => $"${index + 1}"))})");
        foreach (var column in columns)
        {
            var values = Array.ConvertAll(rows, row => row[column]);
            command.Parameters.Add(new NpgsqlParameter
            {
                Value = values[0] switch
                {
                    long => Array.ConvertAll(values, value => (long)value),
                    int => Array.ConvertAll(values, value => (int)value),
                    Guid => Array.ConvertAll(values, value => (Guid)value),
                    byte[] => Array.ConvertAll(values, value => (byte[])value),
                    _ => Array.ConvertAll(values, value => value as string),
                },
            });
        }

        return command;
    }

    private Dictionary<string, object> Values(Random random)
    {
        position++;
        var id = Guid.CreateVersion7();
        var stream = new byte[16];
        random.NextBytes(stream);
        return new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["position"] = position,
            ["last_position"] = position,
            ["first_position"] = position,
            ["stream"] = $"post-{new Guid(stream):D}",
            ["version"] = position,
            ["event_id"] = id,
            ["type"] = "blog.post-content-edited",
            ["schema_version"] = 1,
            ["payload"] = payload,
            ["command_id"] = id,
            ["correlation_id"] = id.ToString("N"),
            ["causation_id"] = id.ToString("D"),
            ["user_name"] = "anonymous",
            ["time_us"] = position,
            ["hash"] = new byte[32],
            ["command_type"] = "EditPostContent",
            ["outcome"] = 1,
            ["error_reason"] = DBNull.Value,
            ["duration_us"] = 100L,
        };
    }

    private DbCommand Prepare(string text, params string[] parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = text;
        foreach (var name in parameters)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            command.Parameters.Add(parameter);
        }

        return command;
    }
}
