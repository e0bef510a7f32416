using System.Diagnostics;
using System.Globalization;
using Blog.ProcessTests;
using Blog.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace Benchmarks;

/// <summary>The Blog as a process of its own, all projections running, with clients on as many channels as the ceiling has.</summary>
internal sealed class BlogUnderTest : IAsyncDisposable
{
    public const int Callers = 64;
    private const int Channels = 2;

    private readonly BenchmarkDatabase database;
    private readonly ServerProcess server;
    private readonly GrpcChannel[] channels;
    private readonly PostCommandService.PostCommandServiceClient[] clients;
    private int created;

    private BlogUnderTest(BenchmarkDatabase database, ServerProcess server)
    {
        this.database = database;
        this.server = server;
        channels = OpenChannels(server.GrpcAddress);
        clients = [.. channels.Select(channel => new PostCommandService.PostCommandServiceClient(channel))];
    }

    /// <summary>The posts that were made.</summary>
    public string[] Posts { get; private set; } = [];

    /// <summary>The service's process.</summary>
    public int ProcessId => server.Id;

    /// <summary>The processor time that the service has taken.</summary>
    public TimeSpan CpuTime => server.CpuTime;

    /// <summary>The memory that the service has resident now, in MiB.</summary>
    public double ResidentMib => server.ResidentBytes / (1024.0 * 1024);

    /// <summary>Where the service answers.</summary>
    public string Address => server.GrpcAddress;

    public static GrpcChannel[] OpenChannels(string address) => [.. Enumerable.Range(0, Channels).Select(_ => GrpcChannel.ForAddress(address))];

    /// <summary>Starts the service on new databases and makes some posts.</summary>
    /// <param name="options">What the command line asks for.</param>
    /// <param name="posts">How many posts.</param>
    /// <param name="content">Makes a post's content; null for 300 bytes that hold no words.</param>
    /// <param name="settings">More settings of the service.</param>
    public static async Task<BlogUnderTest> StartAsync(
        BenchmarkOptions options, int posts, Func<Random, string>? content = null, params IEnumerable<string> settings)
    {
        var blog = await OpenAsync(options, new BenchmarkDatabase(options), [], settings);
        var ids = new string[posts];
        await Parallel.ForAsync(0, posts, new ParallelOptions { MaxDegreeOfParallelism = Callers }, async (number, _) =>
            ids[number] = await blog.CreateAsync(number, content ?? Content));
        blog.Posts = ids;
        return blog;
    }

    /// <summary>Starts the service on databases that may hold something, which it then owns.</summary>
    /// <param name="options">What the command line asks for.</param>
    /// <param name="database">The databases.</param>
    /// <param name="posts">The posts in them.</param>
    /// <param name="settings">More settings of the service.</param>
    public static async Task<BlogUnderTest> OpenAsync(
        BenchmarkOptions options, BenchmarkDatabase database, string[] posts, params IEnumerable<string> settings)
    {
        var start = ServerProcess.StartInfo(database.Directory, options.Server, [.. database.Settings, .. settings]);
        if (options.Processors is { } processors)
        {
            start = new ProcessStartInfo("taskset", ["-c", processors, start.FileName, .. start.ArgumentList]);
        }

        options.Equip(start);
        return new BlogUnderTest(database, await ServerProcess.StartAsync(start, addresses: 2)) { Posts = posts };
    }

    /// <summary>Starts the service on a store of events: ten a post, one that creates it and edits of random posts.</summary>
    public static async Task<BlogUnderTest> StartWithEventsAsync(BenchmarkOptions options, int events, params IEnumerable<string> settings)
    {
        var blog = await StartAsync(options, events / 10, content: null, settings);
        await Parallel.ForAsync(0, events - blog.Posts.Length, new ParallelOptions { MaxDegreeOfParallelism = Callers }, async (number, _) =>
            await blog.EditAsync(number, Random.Shared));
        await blog.DrainAsync();
        return blog;
    }

    /// <summary>A client on each channel.</summary>
    public T[] Clients<T>(Func<GrpcChannel, T> make) => [.. channels.Select(make)];

    /// <summary>Edits of random posts, 300 bytes each; the clock stops once the projections have seen the last.</summary>
    public Task<Sample> EditsAsync(int callers, TimeSpan length) => Load.RunAsync(
        callers, length, (caller, random) => EditAsync(caller, random), DrainAsync, () => server.CpuTime);

    /// <summary>The same, a number of edits in place of a time.</summary>
    public Task<Sample> EditsAsync(int callers, int count)
    {
        var left = count;
        return Load.RunAsync(
            callers, () => Interlocked.Decrement(ref left) >= 0, (caller, random) => EditAsync(caller, random), DrainAsync, () => server.CpuTime);
    }

    /// <summary>New posts, 300 bytes of content each; the clock stops once the projections have seen the last.</summary>
    public Task<Sample> CreatesAsync(int callers, TimeSpan length) => Load.RunAsync(
        callers, length, (caller, _) => CreateAsync(caller, Content), DrainAsync, () => server.CpuTime);

    /// <summary>Gives a random post another content of 300 bytes.</summary>
    public async Task<(string Post, string Token)> EditAsync(int caller, Random random)
    {
        var post = Posts[random.Next(Posts.Length)];
        var answer = await clients[caller % clients.Length].EditPostContentAsync(new EditPostContentRequest { PostId = post, Content = Content(random) });
        return (post, answer.ConsistencyToken);
    }

    /// <summary>One more command, and a query that waits until the projections have seen it.</summary>
    public async Task DrainAsync()
    {
        var (post, token) = await EditAsync(0, new Random());
        var queries = new PostQueryService.PostQueryServiceClient(channels[0]);
        while (true)
        {
            try
            {
                await queries.GetPostAsync(new GetPostRequest { PostId = post, ConsistencyToken = token });
                return;
            }
            catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
            {
                // The projections are further behind than the service lets a query wait.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Array.ForEach(channels, channel => channel.Dispose());
        await server.DisposeAsync();
        database.Dispose();
    }

    private async Task<string> CreateAsync(int caller, Func<Random, string> content)
    {
        var number = Interlocked.Increment(ref created);
        var request = new CreatePostRequest { Title = $"Post {number}", Author = "Benchmark", Content = content(Random.Shared) };
        return (await clients[caller % clients.Length].CreatePostAsync(request)).PostId;
    }

    private static string Content(Random random) =>
        string.Create(CultureInfo.InvariantCulture, $"{random.NextInt64():D20}{new string('x', 280)}");
}
