using System.Data.Common;
using Blog.Server;
using Blog.V1;
using Grpc.Net.Client;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>
/// The real service on real Kestrel, on free loopback ports, with a data directory of its own that is removed at the end. A test
/// class takes it as its fixture; it fails the class when the service logged an error that no test announced.
/// </summary>
public class BlogService : IAsyncLifetime
{
    private readonly ErrorLog errors = new();
    private WebApplication? app;
    private GrpcChannel? channel;

    public string DataDirectory { get; } = Directory.CreateTempSubdirectory("blog-tests-").FullName;

    public PostCommandService.PostCommandServiceClient Commands { get; private set; } = null!;

    public PostQueryService.PostQueryServiceClient Queries { get; private set; } = null!;

    public GrpcChannel Channel => channel!;

    public Uri HttpAddress { get; private set; } = null!;

    public WebApplication Application => app!;

    public IServiceProvider Services => app!.Services;

    /// <summary>Settings beside the addresses and the data directory.</summary>
    protected virtual IEnumerable<string> Settings => [];

    public static async Task<BlogService> StartNewAsync()
    {
        var service = new BlogService();
        await service.InitializeAsync();
        return service;
    }

    public async Task InitializeAsync()
    {
        app = await BlogHost.CreateAsync(
        [
            $"--Storage:Directory={DataDirectory}",
            "--Endpoints:Grpc=http://127.0.0.1:0",
            "--Endpoints:Http=http://127.0.0.1:0",
            "--Logging:LogLevel:Default=Warning",

            // A slow machine is no reason to fail.
            "--Projections:MaxTokenWait=00:01:00",
            "--shutdownTimeoutSeconds=600",
            .. Settings,
        ]);
        app.Services.GetRequiredService<ILoggerFactory>().AddProvider(errors);
        await app.StartAsync();

        // Kestrel lists its addresses in the order in which the service binds them: gRPC first.
        var addresses = app.Urls.ToArray();
        channel = NewChannel(addresses[0]);
        HttpAddress = new Uri(addresses[1]);
        Commands = new(channel);
        Queries = new(channel);
    }

    /// <summary>Stops the service and starts it again on the same data.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await InitializeAsync();
    }

    public async Task DisposeAsync()
    {
        await StopAsync();
        SqliteConnection.ClearAllPools();
        CleanUp.DeleteDirectory(DataDirectory);
        errors.AssertNoneUnexpected();
    }

    /// <summary>A connection of its own, as another client has.</summary>
    public GrpcChannel NewChannel() => NewChannel(app!.Urls.First());

    /// <summary>Says that a test is about to cause an error log with this text.</summary>
    public void ExpectError(string text) => errors.Expect(text);

    /// <summary>Rows of the write database, each column as text.</summary>
    public Task<IReadOnlyList<IReadOnlyDictionary<string, string>>> ReadWriteDatabaseAsync(string sql) =>
        ReadAsync(Services.GetRequiredService<WriteDatabase>().OpenAsync(CancellationToken.None), sql);

    /// <summary>A consistency token of this store for any position.</summary>
    public string TokenFor(long position) => Services.GetRequiredService<ConsistencyTokens>().Write(position);

    private static GrpcChannel NewChannel(string address) =>
        GrpcChannel.ForAddress(address, new GrpcChannelOptions { MaxReceiveMessageSize = null, MaxSendMessageSize = null });

    private static async Task<IReadOnlyList<IReadOnlyDictionary<string, string>>> ReadAsync(Task<DbConnection> opening, string sql)
    {
        await using var connection = await opening;
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<IReadOnlyDictionary<string, string>>();
        while (await reader.ReadAsync())
        {
            rows.Add(Enumerable.Range(0, reader.FieldCount).ToDictionary(
                reader.GetName,
                column => Convert.ToString(reader.GetValue(column), System.Globalization.CultureInfo.InvariantCulture) ?? "",
                StringComparer.Ordinal));
        }

        return rows;
    }

    private async Task StopAsync()
    {
        channel?.Dispose();
        if (app is not null)
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }
    }
}
