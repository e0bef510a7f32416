using System.Diagnostics;
using Benchmarks.Protos;
using Blog.ProcessTests;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Benchmarks;

/// <summary>
/// The ceiling of every gRPC figure: an empty unary call to the same server library in a process of its own, through as many channels.
/// </summary>
internal sealed class EchoServer : IAsyncDisposable
{
    /// <summary>The argument with which this program is that server.</summary>
    public const string Argument = "echo-server";

    private readonly ServerProcess server;
    private readonly GrpcChannel[] channels;
    private readonly Echo.EchoClient[] clients;

    private EchoServer(ServerProcess server)
    {
        this.server = server;
        channels = BlogUnderTest.OpenChannels(server.GrpcAddress);
        clients = [.. channels.Select(channel => new Echo.EchoClient(channel))];
    }

    /// <summary>The server's process.</summary>
    public int ProcessId => server.Id;

    /// <summary>The processor time that the server has taken.</summary>
    public TimeSpan CpuTime => server.CpuTime;

    public static async Task<EchoServer> StartAsync(BenchmarkOptions? options = null)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(EchoServer).Assembly.Location, Argument]);
        options?.Equip(start);
        return new EchoServer(await ServerProcess.StartAsync(start, addresses: 1));
    }

    public Task<Sample> LoadAsync(int callers, TimeSpan length) => Load.RunAsync(
        callers, length, (caller, _) => clients[caller % clients.Length].CallAsync(new CallRequest()).ResponseAsync, cpu: () => server.CpuTime);

    /// <summary>One empty call.</summary>
    public Task CallAsync() => clients[0].CallAsync(new CallRequest()).ResponseAsync;

    /// <summary>A stream of messages, taken one by one.</summary>
    public async Task StreamAsync(int count, int bytes)
    {
        using var call = clients[0].Stream(new StreamRequest { Count = count, Bytes = bytes });
        while (await call.ResponseStream.MoveNext(CancellationToken.None))
        {
        }
    }

    public async ValueTask DisposeAsync()
    {
        Array.ForEach(channels, channel => channel.Dispose());
        await server.DisposeAsync();
    }

    /// <summary>Is the server until the process ends.</summary>
    public static async Task RunAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Information);
        builder.Services.AddGrpc();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        app.MapGrpcService<Service>();
        await app.RunAsync();
    }

    private sealed class Service : Echo.EchoBase
    {
        private static readonly Task<CallResponse> Answer = Task.FromResult(new CallResponse());

        public override Task<CallResponse> Call(CallRequest request, ServerCallContext context) => Answer;

        public override async Task Stream(StreamRequest request, IServerStreamWriter<StreamResponse> responseStream, ServerCallContext context)
        {
            var message = new StreamResponse { Data = ByteString.CopyFrom(new byte[request.Bytes]) };
            for (var sent = 0; sent < request.Count; sent++)
            {
                await responseStream.WriteAsync(message, context.CancellationToken);
            }
        }
    }
}
