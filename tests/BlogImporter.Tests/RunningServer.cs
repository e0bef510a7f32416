using Blog.Server;
using Microsoft.AspNetCore.Builder;

namespace BlogImporter.Tests;

/// <summary>The real server over Kestrel, in this process, on a data directory that outlives it.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private readonly WebApplication app;

    private RunningServer(WebApplication app) => this.app = app;

    /// <summary>Where it serves gRPC.</summary>
    public Uri Address => new(app.Urls.First());

    /// <param name="directory">The data directory.</param>
    /// <param name="address">Where it listens; by default on any free port.</param>
    public static async Task<RunningServer> StartAsync(string directory, string address = "http://127.0.0.1:0")
    {
        var host = await BlogHost.CreateAsync(
        [
            $"--Storage:Directory={directory}", $"--Endpoints:Grpc={address}", "--Endpoints:Http=http://127.0.0.1:0", "--Logging:LogLevel:Default=Warning",
        ]);
        await host.StartAsync();
        return new RunningServer(host);
    }

    public async ValueTask DisposeAsync()
    {
        await app.StopAsync();
        await app.DisposeAsync();
    }
}
