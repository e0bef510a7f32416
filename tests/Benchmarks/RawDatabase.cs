using System.Data.Common;
using System.Diagnostics;
using Blog.Application;
using Blog.Infrastructure;
using GrpcCqrs.Storage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Benchmarks;

/// <summary>
/// The ceiling of the database: the rows that a command writes, into the same tables under the same settings, by prepared statements
/// of the bare driver, and nothing else.
/// </summary>
internal sealed class RawDatabase : IAsyncDisposable
{
    private const int Batch = 100;

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
        insertEvent = Prepare(
            provider.InsertEvent,
            "position", "stream", "version", "event_id", "type", "schema_version", "payload", "command_id", "correlation_id", "causation_id", "user_name", "time_us", "hash");
        insertOutbox = Prepare(provider.InsertOutbox, "position");
        insertAudit = Prepare(
            provider.InsertAudit, "time_us", "command_type", "command_id", "user_name", "stream", "outcome", "error_reason", "duration_us", "position");
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
        await database.Provider.PrepareWriterAsync(opened, CancellationToken.None);
        return new RawDatabase(created, database.Provider, opened);
    }

    /// <summary>One event a transaction.</summary>
    public Task<Sample> SingleRowsAsync(TimeSpan length) => RunAsync(length, commands: 1, insertEvent);

    /// <summary>All rows of 100 commands a transaction.</summary>
    public Task<Sample> BatchesAsync(TimeSpan length) => RunAsync(length, Batch, insertEvent, insertOutbox, insertAudit);

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

            await transaction.CommitAsync();
        });
        return sample with { PerSecond = sample.PerSecond * commands };
    });

    private Dictionary<string, object> Values(Random random)
    {
        position++;
        var id = Guid.CreateVersion7();
        var stream = new byte[16];
        random.NextBytes(stream);
        return new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["position"] = position,
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
