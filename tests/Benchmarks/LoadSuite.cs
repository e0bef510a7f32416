namespace Benchmarks;

/// <summary>
/// Whether long aggregates cost more: loads and commands on posts of 10 to 10,000 events by one caller in process, with the cache of
/// states off, so that each begins with the snapshot and the events behind it; beside them the same loads without snapshots.
/// Snapshots are as the Blog has them; the posts of 100 events and more have from 0 to 99 more than their name says, spread evenly, so
/// that the way from the newest snapshot is as long as it is on average.
/// </summary>
internal static class LoadSuite
{
    private const int Times = 200;
    private const int Spread = 100;
    private static readonly TimeSpan CeilingLength = TimeSpan.FromSeconds(1);

    // So many posts that the commands of all rounds make none of them much longer; and how often one is loaded without a snapshot.
    private static readonly (int Events, int Posts, int Folds)[] Sizes = [(10, 1_200, 200), (100, 200, 200), (1_000, 50, 50), (10_000, 20, 20)];

    public static async Task RunAsync(BenchmarkOptions options)
    {
        var sizes = Array.FindAll(Sizes, size => size.Events <= (options.Size ?? int.MaxValue));
        await using var raw = await RawDatabase.OpenAsync(options);
        await using var blog = await InProcessBlog.StartAsync(options, posts: 0, "--States:MaxCacheBytes=0");
        var measurements = new List<Func<Task<Sample>>> { () => raw.SingleRowsAsync(CeilingLength) };
        foreach (var (events, count, folds) in sizes)
        {
            var posts = await blog.FillAsync(count, number => events < Spread ? events : events + (number * Spread / count));
            var (loaded, folded, edited) = (0, 0, 0);
            measurements.Add(() => Load.RepeatAsync(Times, () => blog.Aggregates.LoadAsync(Next(ref loaded), CancellationToken.None).AsTask()));
            measurements.Add(() => Load.RepeatAsync(folds, () => blog.Aggregates.LoadWhileAsync(Next(ref folded), static _ => true, CancellationToken.None).AsTask()));
            measurements.Add(() => Load.RepeatAsync(Times, () => blog.EditAsync(Next(ref edited), Random.Shared)));

            string Next(ref int turn) => posts[turn++ % posts.Length];
        }

        await blog.DrainAsync();
        var measured = await Rounds.RunAsync([.. measurements]);
        var singles = measured[0];
        var (shortLoads, shortCommands) = (measured[1], measured[3]);

        var report = new Report("load", options.Database);
        report.Add("raw_single_row_p50_ms", singles.Select(s => s.P50));
        for (var index = 0; index < sizes.Length; index++)
        {
            var (size, aim) = (sizes[index].Events, index == sizes.Length - 1 ? "at most 1.5" : "");
            var (loads, folds, commands) = (measured[(3 * index) + 1], measured[(3 * index) + 2], measured[(3 * index) + 3]);
            report.Add($"load_{size}_p50_ms", loads.Select(s => s.P50), "of 10 events", shortLoads.Select(s => s.P50), aim);
            report.Add($"load_{size}_p99_ms", loads.Select(s => s.P99));
            report.Add($"load_without_snapshot_{size}_p50_ms", folds.Select(s => s.P50), "with snapshot", loads.Select(s => s.P50));
            report.Add($"command_{size}_p50_ms", commands.Select(s => s.P50), "on 10 events", shortCommands.Select(s => s.P50), aim);
            report.Add($"command_{size}_p50_ms", commands.Select(s => s.P50), "raw single-row commit", singles.Select(s => s.P50));
        }

        report.Print();
    }
}
