using System.Globalization;
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
    private readonly DirectoryInfo data;
    private readonly IHost host;
    private readonly ICommandBus bus;
    private string[] posts = [];

    private InProcessBlog(DirectoryInfo data, IHost host)
    {
        this.data = data;
        this.host = host;
        bus = host.Services.GetRequiredService<ICommandBus>();
    }

    public static async Task<InProcessBlog> StartAsync(BenchmarkOptions options, int posts)
    {
        var directory = Directory.CreateTempSubdirectory("grpccqrs-bench-");
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddCommandLine([$"--Storage:Directory={directory.FullName}", .. BenchmarkDatabase.Settings(options)]);
        builder.Services.AddLogging().AddBlogApplication().AddBlogInfrastructure();
        var built = builder.Build();
        await built.Services.GetRequiredService<StorageInitializer>().InitializeAsync(CancellationToken.None);
        await built.StartAsync();
        var blog = new InProcessBlog(directory, built);
        blog.posts = await Task.WhenAll(Enumerable.Range(0, posts).Select(blog.CreateAsync));
        return blog;
    }

    /// <summary>Edits of random posts, 300 bytes each.</summary>
    public Task<Sample> EditsAsync(int callers, TimeSpan length) => Load.RunAsync(callers, length, async (_, random) =>
    {
        var content = string.Create(CultureInfo.InvariantCulture, $"{random.NextInt64():D20}{new string('x', 280)}");
        await bus.SendAsync(new EditPostContent(posts[random.Next(posts.Length)], content), Context(), CancellationToken.None);
    });

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync();
        host.Dispose();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        data.Delete(recursive: true);
    }

    private async Task<string> CreateAsync(int number) =>
        (await bus.SendAsync(new CreatePost("", $"Post {number}", "", "", "Benchmark", []), Context(), CancellationToken.None)).Stream.Id;

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
