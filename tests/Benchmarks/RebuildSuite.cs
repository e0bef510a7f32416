using System.Diagnostics;
using GrpcCqrs.Feed.V1;
using GrpcCqrs.Operations.V1;

namespace Benchmarks;

/// <summary>
/// A rebuild of all projections at once, from the request until the last has switched to the tables that were rebuilt, against the
/// same events folded in memory. The service has nothing else to do.
/// </summary>
internal static class RebuildSuite
{
    internal const int DefaultEvents = 100_000;
    /// <summary>A setting with which the tables of before a rebuild are soon gone.</summary>
    internal const string QuickDrop = "--Projections:DropDelay=00:00:00.100";

    private static readonly TimeSpan CeilingLength = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(20);

    public static async Task RunAsync(BenchmarkOptions options)
    {
        await using var blog = await BlogUnderTest.StartWithEventsAsync(options, options.Size ?? DefaultEvents, QuickDrop);
        var fold = await EventFold.LoadAsync(blog.Clients(channel => new EventFeedService.EventFeedServiceClient(channel))[0]);
        var client = blog.Clients(channel => new OperationsService.OperationsServiceClient(channel))[0];

        var measured = await Rounds.RunAsync<(double PerSecond, double Cpu)>(
            async () => (await fold.RunAsync(CeilingLength), 0),
            async () =>
            {
                var (cpu, clock) = (blog.CpuTime, Stopwatch.StartNew());
                await RebuildAsync(client);
                var (seconds, taken) = (clock.Elapsed.TotalSeconds, blog.CpuTime - cpu);
                await DropAsync(client);
                return (fold.Count / seconds, taken.TotalMicroseconds / fold.Count);
            });
        var (folds, rebuilds) = (measured[0], measured[1]);

        var report = new Report("rebuild", options.Database);
        report.Add("fold_events_per_second", folds.Select(s => s.PerSecond));
        report.Add("rebuild_events_per_second", rebuilds.Select(s => s.PerSecond), "fold", folds.Select(s => s.PerSecond));
        report.Add("rebuild_seconds", rebuilds.Select(s => fold.Count / s.PerSecond));
        report.Add("server_cpu_us_per_event", rebuilds.Select(s => s.Cpu));
        report.Print();
    }

    /// <summary>Rebuilds all projections, until the last has switched.</summary>
    internal static async Task RebuildAsync(OperationsService.OperationsServiceClient client)
    {
        await client.RebuildProjectionsAsync(new RebuildProjectionsRequest());
        await UntilAsync(client, sets => sets.Count == 2 && sets.All(set => set.State is TableGenerationState.Live or TableGenerationState.Previous));
    }

    /// <summary>Drops the tables of before a rebuild, so that the next can begin.</summary>
    internal static async Task DropAsync(OperationsService.OperationsServiceClient client)
    {
        foreach (var projection in (await client.ListProjectionsAsync(new ListProjectionsRequest())).Projections)
        {
            await client.DropPreviousTablesAsync(new DropPreviousTablesRequest { Projection = projection.Name });
        }

        await UntilAsync(client, sets => sets.Count == 1);
    }

    /// <summary>Waits until the sets of tables of every projection are as they should be.</summary>
    private static async Task UntilAsync(OperationsService.OperationsServiceClient client, Func<ICollection<TableGeneration>, bool> isReached)
    {
        while (true)
        {
            var answer = await client.ListProjectionsAsync(new ListProjectionsRequest());
            if (answer.Projections.SelectMany(projection => projection.Generations).FirstOrDefault(set => set.FailedAttempts > 0 || set.ParkedEvents > 0) is { } bad)
            {
                throw new InvalidOperationException($"A projection fails: {bad}");
            }

            if (answer.Projections.All(projection => isReached(projection.Generations)))
            {
                return;
            }

            await Task.Delay(LookInterval);
        }
    }
}
