using Blog.Application;
using Blog.Application.Posts;
using Blog.Infrastructure;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Benchmarks;

/// <summary>The Blog without a network: commands go straight to the bus.</summary>
internal sealed class InProcessBlog : IAsyncDisposable
{
    private readonly IHost host;
    private readonly ICommandBus bus;

    private InProcessBlog(IHost host)
    {
        this.host = host;
        bus = host.Services.GetRequiredService<ICommandBus>();
    }

    public static async Task<InProcessBlog> StartAsync(string dataDirectory)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection([KeyValuePair.Create("Storage:Directory", (string?)dataDirectory)]);
        builder.Services.AddLogging().AddBlogApplication().AddBlogInfrastructure();
        var built = builder.Build();
        await built.Services.GetRequiredService<StorageInitializer>().InitializeAsync(CancellationToken.None);
        await built.StartAsync();
        return new InProcessBlog(built);
    }

    public async Task<string> CreateAsync(int number) =>
        (await bus.SendAsync(new CreatePost("", $"Post {number}", "", "", "Benchmark", []), Context(), CancellationToken.None)).Stream.Id;

    public async Task EditAsync(string postId, string content) =>
        await bus.SendAsync(new EditPostContent(postId, content), Context(), CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync();
        host.Dispose();
    }

    private static CommandContext Context()
    {
        var id = Guid.CreateVersion7();
        return new CommandContext
        {
            CommandId = id,
            User = "benchmark",
            CorrelationId = $"{id:D}",
            CausationId = $"{id:D}",
            ReceivedAt = TimeProvider.System.GetUtcNow(),
        };
    }
}
