using Blog.V1;

namespace Benchmarks;

/// <summary>Queries by 64 callers against empty calls by 64 callers, on a store that nobody writes to meanwhile.</summary>
internal static class QueriesSuite
{
    internal const int DefaultPosts = 100_000;
    private const int PageSize = 20;
    private const int Pages = 100;

    // 50 of 5,000 words a post, so that one post in 100 holds a word.
    private const int Vocabulary = 5_000;
    private const int WordsPerPost = 50;

    private static readonly TimeSpan Length = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan CeilingLength = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(BenchmarkOptions options)
    {
        await using var echo = await EchoServer.StartAsync();
        await using var blog = await BlogUnderTest.StartAsync(options, options.Size ?? DefaultPosts, Content);
        await blog.DrainAsync();
        var clients = blog.Clients(channel => new PostQueryService.PostQueryServiceClient(channel));
        var pages = await PageTokensAsync(clients[0]);

        var measured = await Rounds.RunAsync(
            () => echo.LoadAsync(BlogUnderTest.Callers, CeilingLength),
            () => GetsAsync(blog, clients, Length),
            () => ListsAsync(blog, clients, pages, Length),
            () => LoadAsync(blog, clients, Length, (client, random) => client.SearchPostsAsync(new SearchPostsRequest { PageSize = PageSize, Query = Word(random) }).ResponseAsync));

        var report = new Report("queries", options.Database);
        report.Add("echo_calls_per_second", measured[0].Select(s => s.PerSecond));
        report.Add("echo_server_cpu_us", measured[0].Select(s => s.CpuMicroseconds));
        Add("get_post", measured[1], "at least 0.70");
        Add("list_posts", measured[2], "at least 0.35");
        Add("search_posts", measured[3], "");
        report.Print();

        void Add(string query, Sample[] samples, string aim)
        {
            report.Add($"{query}_per_second", samples.Select(s => s.PerSecond), "echo", measured[0].Select(s => s.PerSecond), aim);
            report.Add($"{query}_server_cpu_us", samples.Select(s => s.CpuMicroseconds), "echo", measured[0].Select(s => s.CpuMicroseconds));
            report.Add($"{query}_p50_ms", samples.Select(s => s.P50));
            report.Add($"{query}_p99_ms", samples.Select(s => s.P99));
        }
    }

    /// <summary>Reads of random posts by their ids.</summary>
    internal static Task<Sample> GetsAsync(BlogUnderTest blog, PostQueryService.PostQueryServiceClient[] clients, TimeSpan length) =>
        LoadAsync(blog, clients, length, (client, random) => client.GetPostAsync(new GetPostRequest { PostId = Any(blog.Posts, random) }).ResponseAsync);

    /// <summary>Reads of random pages of the list.</summary>
    internal static Task<Sample> ListsAsync(BlogUnderTest blog, PostQueryService.PostQueryServiceClient[] clients, string[] pages, TimeSpan length) =>
        LoadAsync(blog, clients, length, (client, random) => client.ListPostsAsync(
            new ListPostsRequest { PageSize = PageSize, PageToken = Any(pages, random) }).ResponseAsync);

    /// <summary>The tokens of the list's first pages.</summary>
    internal static async Task<string[]> PageTokensAsync(PostQueryService.PostQueryServiceClient client)
    {
        var tokens = new List<string> { "" };
        while (tokens.Count < Pages)
        {
            var page = await client.ListPostsAsync(new ListPostsRequest { PageSize = PageSize, PageToken = tokens[^1] });
            if (page.NextPageToken.Length == 0)
            {
                break;
            }

            tokens.Add(page.NextPageToken);
        }

        return [.. tokens];
    }

    /// <summary>A post's words.</summary>
    internal static string Content(Random random) => string.Join(' ', Enumerable.Range(0, WordsPerPost).Select(_ => Word(random)));

    private static Task<Sample> LoadAsync(
        BlogUnderTest blog, PostQueryService.PostQueryServiceClient[] clients, TimeSpan length, Func<PostQueryService.PostQueryServiceClient, Random, Task> query) =>
        Load.RunAsync(BlogUnderTest.Callers, length, (caller, random) => query(clients[caller % clients.Length], random), cpu: () => blog.CpuTime);

    private static string Word(Random random)
    {
        var number = random.Next(Vocabulary);
        return string.Create(5, number, static (letters, rest) =>
        {
            for (var index = 0; index < letters.Length; index++, rest /= 26)
            {
                letters[index] = (char)('a' + (rest % 26));
            }
        });
    }

    private static string Any(string[] all, Random random) => all[random.Next(all.Length)];
}
