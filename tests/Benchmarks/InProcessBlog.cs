using System.Globalization;
using Blog.Application;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Blog.Infrastructure;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Schema;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Benchmarks;

/// <summary>The Blog without a network: commands go straight to the bus.</summary>
internal sealed class InProcessBlog : IAsyncDisposable
{
    /// <summary>So many that the transactions are full.</summary>
    private const int FillingCallers = 256;

    private readonly BenchmarkDatabase database;
    private readonly IHost host;
    private readonly ICommandBus bus;
    private string[] posts = [];
    private int created;

    private InProcessBlog(BenchmarkDatabase database, IHost host)
    {
        this.database = database;
        this.host = host;
        bus = host.Services.GetRequiredService<ICommandBus>();
        Aggregates = host.Services.GetRequiredService<AggregateStore<Post, PostEvent>>();
    }

    /// <summary>The write path beneath the bus.</summary>
    public AggregateStore<Post, PostEvent> Aggregates { get; }

    /// <summary>Starts it on new databases and makes some posts of one event.</summary>
    public static async Task<InProcessBlog> StartAsync(BenchmarkOptions options, int posts, params IEnumerable<string> settings)
    {
        var databases = new BenchmarkDatabase(options);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddCommandLine([.. databases.Settings, .. settings]);
        builder.Services.AddLogging().AddBlogApplication().AddBlogInfrastructure();
        var built = builder.Build();
        await built.Services.GetRequiredService<StorageInitializer>().InitializeAsync(CancellationToken.None);
        await built.StartAsync();
        var blog = new InProcessBlog(databases, built);
        blog.posts = await blog.FillAsync(posts, _ => 1);
        return blog;
    }

    /// <summary>
    /// Fills a store, one event a command, and stops: what a service under test then starts on.
    /// </summary>
    /// <returns>The databases, which are the caller's now, and the posts in them.</returns>
    public static async Task<(BenchmarkDatabase Database, string[] Posts)> FillStoreAsync(BenchmarkOptions options, int posts, int eventsEach)
    {
        var blog = await StartAsync(options, posts: 0);
        var ids = await blog.FillAsync(posts, _ => eventsEach);
        await blog.StopAsync();
        return (blog.database, ids);
    }

    /// <summary>Makes posts with a number of events each, one event a command.</summary>
    public async Task<string[]> FillAsync(int count, Func<int, int> events)
    {
        var ids = new string[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = FillingCallers }, async (number, _) =>
        {
            ids[number] = await CreateAsync();
            for (var version = 1; version < events(number); version++)
            {
                await EditAsync(ids[number], Random.Shared);
            }
        });
        return ids;
    }

    /// <summary>Waits until the projections have seen all events.</summary>
    public async Task DrainAsync()
    {
        var head = await host.Services.GetRequiredService<IEventStore>().ReadHeadAsync(CancellationToken.None);
        while (true)
        {
            try
            {
                await host.Services.GetRequiredService<IReadModel>().WaitForAsync(head, [], null, CancellationToken.None);
                return;
            }
            catch (RejectedException rejection) when (rejection.Code == EngineErrors.ReadModelBehind)
            {
                // They are further behind than the service lets a query wait.
            }
        }
    }

    /// <summary>Edits of random posts, 300 bytes each.</summary>
    public Task<Sample> EditsAsync(int callers, TimeSpan length) =>
        Load.RunAsync(callers, length, (_, random) => EditAsync(posts[random.Next(posts.Length)], random));

    /// <summary>Gives a post another content of 300 bytes.</summary>
    public async Task EditAsync(string post, Random random)
    {
        var content = string.Create(CultureInfo.InvariantCulture, $"{random.NextInt64():D20}{new string('x', 280)}");
        await bus.SendAsync(new EditPostContent(post, content), Context(), CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        database.Dispose();
    }

    private async Task StopAsync()
    {
        await host.StopAsync();
        host.Dispose();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
    }

    private async Task<string> CreateAsync()
    {
        var title = $"Post {Interlocked.Increment(ref created)}";
        return (await bus.SendAsync(new CreatePost("", title, "", "", "Benchmark", []), Context(), CancellationToken.None)).Stream.Id;
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
