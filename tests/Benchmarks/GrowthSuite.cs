using Blog.V1;

namespace Benchmarks;

/// <summary>
/// Whether a service slows down as its store grows: edits and queries by 64 callers on three stores side by side, of ten thousand, a
/// hundred thousand and a million events, 1,000 posts each, a service process for each. The number of posts is held: more posts
/// would be another question. A round has a fixed number of edits, since those of a fixed time would soon make the small store large.
/// </summary>
internal static class GrowthSuite
{
    private const int Posts = 1_000;
    private const int EditsPerRound = 4_000;
    private const int PageSize = 20;
    private const int DefaultLargest = 1_000_000;
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(BenchmarkOptions options)
    {
        int[] sizes = [.. new[] { 10_000, 100_000 }.Where(size => size < (options.Size ?? DefaultLargest)), options.Size ?? DefaultLargest];
        var blogs = new List<BlogUnderTest>();
        try
        {
            foreach (var size in sizes)
            {
                var (databases, posts) = await InProcessBlog.FillStoreAsync(options, Posts, size / Posts);
                var blog = await BlogUnderTest.OpenAsync(options, databases, posts);
                blogs.Add(blog);
                await blog.DrainAsync();
                await WarmUpAsync(blog);
            }

            await MeasureAsync(options, sizes, blogs);
        }
        finally
        {
            foreach (var blog in blogs)
            {
                await blog.DisposeAsync();
            }
        }
    }

    /// <summary>Has the runtime compile the way of a command without making the store larger: edits that change nothing.</summary>
    private static async Task WarmUpAsync(BlogUnderTest blog)
    {
        var commands = blog.Clients(channel => new PostCommandService.PostCommandServiceClient(channel));
        var request = new EditPostContentRequest { PostId = blog.Posts[0], Content = "Unchanged" };
        await Load.RunAsync(BlogUnderTest.Callers, Length, (caller, _) => commands[caller % commands.Length].EditPostContentAsync(request).ResponseAsync);
    }

    private static async Task MeasureAsync(BenchmarkOptions options, int[] sizes, List<BlogUnderTest> blogs)
    {
        var resident = sizes.ToDictionary(size => size, _ => new List<double>());
        var measured = await Rounds.RunAsync([.. blogs.SelectMany((blog, index) => Measurements(blog, resident[sizes[index]]))]);

        var report = new Report("growth", options.Database);
        for (var index = 0; index < sizes.Length; index++)
        {
            var (of, aim) = ($"{sizes[index]}_events", index == sizes.Length - 1 ? "at least 0.90" : "");
            var smallest = $"{sizes[0]} events";
            var (edits, gets, lists) = (measured[3 * index], measured[(3 * index) + 1], measured[(3 * index) + 2]);
            report.Add($"commands_per_second_{of}", edits.Select(s => s.PerSecond), smallest, measured[0].Select(s => s.PerSecond), aim);
            report.Add($"commands_server_cpu_us_{of}", edits.Select(s => s.CpuMicroseconds), smallest, measured[0].Select(s => s.CpuMicroseconds));
            report.Add($"get_post_per_second_{of}", gets.Select(s => s.PerSecond), smallest, measured[1].Select(s => s.PerSecond), aim);
            report.Add($"list_posts_per_second_{of}", lists.Select(s => s.PerSecond), smallest, measured[2].Select(s => s.PerSecond), aim);
            report.Add($"resident_mib_{of}", resident[sizes[index]].Skip(1), smallest, resident[sizes[0]].Skip(1), index == sizes.Length - 1 ? "1" : "");
        }

        report.Print();
    }

    private static Func<Task<Sample>>[] Measurements(BlogUnderTest blog, List<double> resident)
    {
        var clients = blog.Clients(channel => new PostQueryService.PostQueryServiceClient(channel));
        return
        [
            () => blog.EditsAsync(BlogUnderTest.Callers, EditsPerRound),
            () => Load.RunAsync(BlogUnderTest.Callers, Length, (caller, random) => clients[caller % clients.Length].GetPostAsync(
                new GetPostRequest { PostId = blog.Posts[random.Next(blog.Posts.Length)] }).ResponseAsync),
            async () =>
            {
                var sample = await Load.RunAsync(BlogUnderTest.Callers, Length, (caller, _) => clients[caller % clients.Length].ListPostsAsync(
                    new ListPostsRequest { PageSize = PageSize }).ResponseAsync);
                resident.Add(blog.ResidentMib);
                return sample;
            },
        ];
    }
}
