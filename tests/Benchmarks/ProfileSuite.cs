using System.Diagnostics;
using Blog.V1;
using Grpc.Core;
using GrpcCqrs.Feed.V1;
using GrpcCqrs.Operations.V1;

namespace Benchmarks;

/// <summary>
/// Where the machine's processor time goes under each load that has an aim: of the client, the service and a database server, by part
/// and by kind of code. The service compiles a little more slowly than in the other suites, since it notes down what it compiles.
/// </summary>
internal static class ProfileSuite
{
    private const int DefaultSeconds = 5;
    private const int Posts = 10_000;
    private const int FloodCallers = 256;

    private static readonly TimeSpan PaceLength = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Names for compiled functions, in a file that <c>perf</c> reads; and their code at one address, where with the other it would
    /// be at an address that the file does not tell.
    /// </summary>
    private static readonly Dictionary<string, string> Named = new() { ["DOTNET_PerfMapEnabled"] = "3", ["DOTNET_EnableWriteXorExecute"] = "0" };

    private static readonly (string Name, Func<BenchmarkOptions, Task> Run)[] All =
    [
        ("edits-64", options => EditsAsync(options, BlogUnderTest.Callers)),
        ("edits-1", options => EditsAsync(options, 1)),
        ("creates-64", CreatesAsync),
        ("get-64", options => QueriesAsync(options, "get-64", (blog, clients, length) => QueriesSuite.GetsAsync(blog, clients, length))),
        ("list-64", async options =>
        {
            string[]? pages = null;
            await QueriesAsync(options, "list-64", async (blog, clients, length) =>
                await QueriesSuite.ListsAsync(blog, clients, pages ??= await QueriesSuite.PageTokensAsync(clients[0]), length));
        }),
        ("echo-64", EchoAsync),
        ("lag", LagAsync),
        ("rebuild", RebuildAsync),
        ("feed", FeedAsync),
        ("overload", options => OverloadSuite.ApartAsync(options, OverloadAsync, "profile", "--load", "overload", "--seconds", $"{Length(options).TotalSeconds}")),
    ];

    /// <summary>The names of the loads; <c>overload</c> is also the seconds after it, <c>recovery</c>.</summary>
    public static IEnumerable<string> Loads => All.Select(load => load.Name);

    public static async Task RunAsync(BenchmarkOptions options)
    {
        if (!PerfRecording.IsInstalled)
        {
            Console.Error.WriteLine("The suite profile needs perf, which this machine lacks; on Debian it is the package linux-perf.");
            Environment.ExitCode = 2;
            return;
        }

        foreach (var (name, run) in All)
        {
            if (options.Load is null || options.Load == name)
            {
                await run(options with { Environment = Named });
            }
        }
    }

    private static TimeSpan Length(BenchmarkOptions options) => TimeSpan.FromSeconds(options.Seconds ?? DefaultSeconds);

    private static async Task EditsAsync(BenchmarkOptions options, int callers)
    {
        await using var blog = await BlogUnderTest.StartAsync(options, Posts);
        await WarmUp.RunAsync(blog.ProcessId, length => blog.EditsAsync(callers, length));
        await ProfileAsync(options, $"edits-{callers}", blog.ProcessId, () => blog.CpuTime, length => blog.EditsAsync(callers, length));
    }

    private static async Task CreatesAsync(BenchmarkOptions options)
    {
        await using var blog = await BlogUnderTest.StartAsync(options, posts: 100);
        await WarmUp.RunAsync(blog.ProcessId, length => blog.CreatesAsync(BlogUnderTest.Callers, length));
        await ProfileAsync(options, "creates-64", blog.ProcessId, () => blog.CpuTime, length => blog.CreatesAsync(BlogUnderTest.Callers, length));
    }

    private static async Task QueriesAsync(
        BenchmarkOptions options, string name, Func<BlogUnderTest, PostQueryService.PostQueryServiceClient[], TimeSpan, Task<Sample>> query)
    {
        await using var blog = await BlogUnderTest.StartAsync(options, options.Size ?? QueriesSuite.DefaultPosts, QueriesSuite.Content);
        await blog.DrainAsync();
        var clients = blog.Clients(channel => new PostQueryService.PostQueryServiceClient(channel));
        await WarmUp.RunAsync(blog.ProcessId, length => query(blog, clients, length));
        await ProfileAsync(options, name, blog.ProcessId, () => blog.CpuTime, length => query(blog, clients, length));
    }

    private static async Task EchoAsync(BenchmarkOptions options)
    {
        await using var echo = await EchoServer.StartAsync(options);
        await WarmUp.RunAsync(echo.ProcessId, length => echo.LoadAsync(BlogUnderTest.Callers, length));
        await ProfileAsync(options, "echo-64", echo.ProcessId, () => echo.CpuTime, length => echo.LoadAsync(BlogUnderTest.Callers, length));
    }

    /// <summary>Profiles a load from its first call until its clock stops, so that the work it leaves to the projections is counted.</summary>
    private static async Task ProfileAsync(
        BenchmarkOptions options, string name, int service, Func<TimeSpan> serviceTime, Func<TimeSpan, Task<Sample>> run)
    {
        using var recording = await PerfRecording.StartAsync(service);
        var (from, cpu) = (Stopwatch.GetTimestamp(), serviceTime());
        var sample = await run(Length(options));
        var (window, taken) = (new Window(from, Stopwatch.GetTimestamp()), serviceTime() - cpu);
        await recording.StopAsync();
        await ReportAsync(options, recording, new ProfiledLoad(name, service, [window], sample.PerSecond * window.Length.TotalSeconds, taken));
    }

    private static async Task LagAsync(BenchmarkOptions options)
    {
        await using var blog = await BlogUnderTest.StartAsync(options, Posts);
        var client = blog.Clients(channel => new PostQueryService.PostQueryServiceClient(channel))[0];
        await WarmUp.RunAsync(blog.ProcessId, length => LagSuite.EditAndGetAsync(blog, client, length));
        await ProfileAsync(
            options, "lag", blog.ProcessId, () => blog.CpuTime, async length => (await LagSuite.EditAndGetAsync(blog, client, length))[0]);
    }

    /// <summary>A call is an event.</summary>
    private static async Task RebuildAsync(BenchmarkOptions options)
    {
        var events = options.Size ?? RebuildSuite.DefaultEvents;
        await using var blog = await BlogUnderTest.StartWithEventsAsync(options, events, RebuildSuite.QuickDrop);
        var client = blog.Clients(channel => new OperationsService.OperationsServiceClient(channel))[0];
        await RepeatAsync(options, "rebuild", blog, events, () => RebuildSuite.RebuildAsync(client), () => RebuildSuite.DropAsync(client));
    }

    /// <summary>A call is an event.</summary>
    private static async Task FeedAsync(BenchmarkOptions options)
    {
        var events = options.Size ?? FeedSuite.DefaultEvents;
        await using var blog = await BlogUnderTest.StartWithEventsAsync(options, events);
        var client = blog.Clients(channel => new EventFeedService.EventFeedServiceClient(channel))[0];
        await RepeatAsync(options, "feed", blog, events, () => EventFold.ReadAsync(client, static _ => { }), () => Task.CompletedTask);
    }

    /// <summary>Profiles something that takes in all events of the store, until that has taken the time; what is done after it is not part.</summary>
    private static async Task RepeatAsync(BenchmarkOptions options, string name, BlogUnderTest blog, int events, Func<Task> run, Func<Task> after)
    {
        await WarmUp.RunAsync(blog.ProcessId, async _ =>
        {
            await run();
            await after();
        });

        using var recording = await PerfRecording.StartAsync(blog.ProcessId);
        var (windows, taken) = (new List<Window>(), TimeSpan.Zero);
        while (windows.Sum(window => window.Length.TotalSeconds) < Length(options).TotalSeconds)
        {
            var (from, cpu) = (Stopwatch.GetTimestamp(), blog.CpuTime);
            await run();
            windows.Add(new Window(from, Stopwatch.GetTimestamp()));
            taken += blog.CpuTime - cpu;
            await after();
        }

        await recording.StopAsync();
        await ReportAsync(options, recording, new ProfiledLoad(name, blog.ProcessId, windows, (double)events * windows.Count, taken));
    }

    /// <summary>
    /// Twice the commands that the service can do, and then lone commands while it catches up. A call of the first is one that was
    /// answered, accepted or refused; of the second a lone command.
    /// </summary>
    private static async Task OverloadAsync(BenchmarkOptions options)
    {
        await using var blog = await BlogUnderTest.StartAsync(options, OverloadSuite.Posts);
        using var flood = new CommandFlood(blog);
        await WarmUp.RunAsync(blog.ProcessId, length => flood.ClosedAsync(FloodCallers, length));
        await blog.DrainAsync();
        var pace = (await flood.ClosedAsync(FloodCallers, PaceLength)).AcceptedPerSecond;
        await blog.DrainAsync();

        using var recording = await PerfRecording.StartAsync(blog.ProcessId);
        var (from, cpu) = (Stopwatch.GetTimestamp(), blog.CpuTime);
        var (ended, cpuThen, lone) = (from, cpu, 0);
        var twice = await flood.OpenAsync(2 * pace, Length(options), async () =>
        {
            (ended, cpuThen) = (Stopwatch.GetTimestamp(), blog.CpuTime);
            lone = await LoneEditsAsync(blog, Length(options));
        });
        var (to, cpuAtLast) = (Stopwatch.GetTimestamp(), blog.CpuTime);
        await recording.StopAsync();

        var (during, after) = (new Window(from, ended), new Window(ended, to));
        var answered = (twice.AcceptedPerSecond + twice.RefusedPerSecond) * during.Length.TotalSeconds;
        await ReportAsync(options, recording, new ProfiledLoad("overload", blog.ProcessId, [during], answered, cpuThen - cpu));
        await ReportAsync(options, recording, new ProfiledLoad("recovery", blog.ProcessId, [after], lone, cpuAtLast - cpuThen));
    }

    private static async Task<int> LoneEditsAsync(BlogUnderTest blog, TimeSpan length)
    {
        var (clock, answered) = (Stopwatch.StartNew(), 0);
        for (; clock.Elapsed < length; answered++)
        {
            try
            {
                await blog.EditAsync(0, Random.Shared);
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted)
            {
                // It is answered all the same.
            }
        }

        return answered;
    }

    private static async Task ReportAsync(BenchmarkOptions options, PerfRecording recording, ProfiledLoad load)
    {
        var report = new ProfileReport(load, options.Database);
        await foreach (var sample in recording.ReadAsync(load.Windows))
        {
            report.Add(sample);
        }

        report.Print();
    }
}
