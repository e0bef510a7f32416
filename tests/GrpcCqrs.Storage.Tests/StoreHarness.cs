using System.ComponentModel.DataAnnotations;
using System.ComponentModel.DataAnnotations.Schema;
using System.Data.Common;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.PostgreSql;
using GrpcCqrs.Storage.Projections;
using GrpcCqrs.Storage.Schema;
using GrpcCqrs.Storage.Sqlite;
using GrpcCqrs.Storage.SqlServer;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace GrpcCqrs.Storage.Tests;

public sealed class LedgerWriteDbContext(DbContextOptions options) : WriteDbContext(options);

public sealed class LedgerReadDbContext(DbContextOptions options) : ReadDbContext(options);

public sealed class BalanceRow
{
    public static ProjectionTable Table { get; } = new("balances", typeof(BalanceRow));

    [Key]
    [MaxLength(200)]
    public required string Id { get; set; }

    public required long Balance { get; set; }
}

public sealed class SeenRow
{
    public static ProjectionTable Table { get; } = new("seen", typeof(SeenRow));

    [Key]
    [DatabaseGenerated(DatabaseGeneratedOption.Identity)]
    public long Number { get; set; }

    public required long Position { get; set; }
}

/// <summary>A running store: the engine as a service would host it, without a network.</summary>
public sealed class StoreHarness : IAsyncDisposable
{
    private readonly IHost host;

    private StoreHarness(IHost host) => this.host = host;

    public IServiceProvider Services => host.Services;

    public IEventStore Store => Services.GetRequiredService<IEventStore>();

    public AggregateStore<Ledger, LedgerEvent> Ledgers => Services.GetRequiredService<AggregateStore<Ledger, LedgerEvent>>();

    internal ProjectionOperations Operations => Services.GetRequiredService<ProjectionOperations>();

    public IReadOnlyList<ProjectionStatus> Projections => Services.GetRequiredService<IProjectionMonitor>().Current;

    public IReadModel ReadModel => Services.GetRequiredService<IReadModel>();

    public static async Task<StoreHarness> StartAsync(
        IReadOnlyDictionary<string, string?> settings, Action<IServiceCollection>? configure = null, params (string Key, string Value)[] more)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());

        // A slow machine is no reason to fail.
        builder.Configuration.AddInMemoryCollection([KeyValuePair.Create<string, string?>("Projections:MaxTokenWait", "00:01:00")]);
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Configuration.AddInMemoryCollection(more.Select(pair => KeyValuePair.Create<string, string?>(pair.Key, pair.Value)));
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = Patience.Limit);
        builder.Services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning));
        builder.Services.AddEventSourcing().AddEvents(LedgerTypes.Registry).AddAggregate<Ledger, LedgerEvent>();
        builder.Services.AddEventStorage()
            .AddDatabases(options => new LedgerWriteDbContext(options), options => new LedgerReadDbContext(options))
            .AddDatabaseProvider(new SqliteProvider())
            .AddDatabaseProvider(new PostgreSqlProvider())
            .AddDatabaseProvider(new SqlServerProvider());
        if (settings.GetValueOrDefault("Storage:Write:Provider") == SqlServerTextsFixture.ProviderName)
        {
            builder.Services.AddDatabaseProvider(new SqlServerTexts(SqlServerTextsFixture.ProviderName));
        }

        configure?.Invoke(builder.Services);
        var harness = new StoreHarness(builder.Build());
        await harness.Services.GetRequiredService<StorageInitializer>().InitializeAsync(CancellationToken.None);
        await harness.host.StartAsync();
        return harness;
    }

    public Task<DbConnection> OpenWriteAsync() => Services.GetRequiredService<WriteDatabase>().OpenAsync(CancellationToken.None);

    public Task<DbConnection> OpenReadAsync() => Services.GetRequiredService<ReadDatabase>().OpenAsync(CancellationToken.None);

    /// <summary>One column of the write database.</summary>
    public async Task<IReadOnlyList<long>> WriteColumnAsync(string sql)
    {
        await using var connection = await OpenWriteAsync();
        return (await connection.QueryAsync<long>(sql)).AsList();
    }

    /// <summary>One column of the read database.</summary>
    public async Task<IReadOnlyList<long>> ReadColumnAsync(string sql)
    {
        await using var connection = await OpenReadAsync();
        return (await connection.QueryAsync<long>(sql)).AsList();
    }

    /// <summary>Waits until the projections have seen everything that the store holds.</summary>
    public async Task CatchUpAsync() => await ReadModel.WaitForAsync(await Store.ReadHeadAsync(CancellationToken.None), [], null, CancellationToken.None);

    /// <summary>Waits for something that another thread brings about.</summary>
    public static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    /// <summary>The same for a condition that has to be asked for.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Patience.Limit);
        while (!await condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    public static CommandContext Context(Guid? commandId = null, byte[]? hash = null, ExpectedVersion expected = default) => new()
    {
        CommandId = commandId ?? Guid.CreateVersion7(),
        RequestHash = hash is null ? null : new ReadOnlyMemory<byte>(hash),
        ExpectedVersion = expected,
        User = "tester",
        CorrelationId = "correlation",
        CausationId = "causation",
        ReceivedAt = TimeProvider.System.GetUtcNow(),
    };

    public static EventData Booking(long amount) => LedgerTypes.Registry.Serialize(new AmountBooked(amount), TimeProvider.System.GetUtcNow());

    public static AppendRequest Append(string id, ExpectedVersion expected, params EventData[] events) => new()
    {
        Stream = new StreamId("ledger", id),
        ExpectedVersion = expected,
        Events = events,
        Metadata = new EventMetadata(Guid.CreateVersion7(), "correlation", "causation", "tester"),
    };

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync();
        host.Dispose();
    }
}
