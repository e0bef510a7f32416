using System.Diagnostics;
using GrpcCqrs.Feed.V1;

namespace Benchmarks;

/// <summary>
/// One subscriber that reads the whole log, from its call until it is told that it has caught up, against the same events folded in
/// memory and against a stream of as many messages of the same size that cost nothing to make.
/// </summary>
internal static class FeedSuite
{
    public const int DefaultEvents = 1_000_000;
    private static readonly TimeSpan CeilingLength = TimeSpan.FromSeconds(1);

    public static async Task RunAsync(BenchmarkOptions options)
    {
        await using var echo = await EchoServer.StartAsync();
        await using var blog = await BlogUnderTest.StartWithEventsAsync(options, options.Size ?? DefaultEvents);
        var client = blog.Clients(channel => new EventFeedService.EventFeedServiceClient(channel))[0];
        var fold = await EventFold.LoadAsync(client);

        var measured = await Rounds.RunAsync<(double PerSecond, double Cpu)>(
            async () => (await fold.RunAsync(CeilingLength), 0),
            async () => await TimeAsync(async () =>
            {
                await echo.StreamAsync(fold.Count, fold.MessageBytes);
                return fold.Count;
            }),
            async () =>
            {
                var cpu = blog.CpuTime;
                var (perSecond, _) = await TimeAsync(() => EventFold.ReadAsync(client, static _ => { }));
                return (perSecond, (blog.CpuTime - cpu).TotalMicroseconds / fold.Count);
            });
        var (folds, streams, reads) = (measured[0], measured[1], measured[2]);

        var report = new Report("feed", options.Database);
        report.Add("fold_events_per_second", folds.Select(s => s.PerSecond));
        report.Add("echo_stream_messages_per_second", streams.Select(s => s.PerSecond));
        report.Add("feed_events_per_second", reads.Select(s => s.PerSecond), aim: "at least 200,000");
        report.Add("feed_events_per_second", reads.Select(s => s.PerSecond), "fold", folds.Select(s => s.PerSecond));
        report.Add("feed_events_per_second", reads.Select(s => s.PerSecond), "echo stream", streams.Select(s => s.PerSecond));
        report.Add("server_cpu_us_per_event", reads.Select(s => s.Cpu));
        report.Print();
    }

    private static async Task<(double PerSecond, double Cpu)> TimeAsync(Func<Task<int>> read)
    {
        var clock = Stopwatch.StartNew();
        var count = await read();
        return (count / clock.Elapsed.TotalSeconds, 0);
    }
}
