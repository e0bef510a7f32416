using Blog.V1;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Tests;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>A blog with posts to search.</summary>
public sealed class SearchablePosts<TStores> : BlogOn<TStores>
    where TStores : IStoreFixture, IDisposable, new()
{
    public string Token { get; private set; } = "";

    protected override async Task PrepareAsync()
    {
        await this.CreateAsync("Ferris the crab", "A mascot with claws.", tags: "mascot");
        await this.CreateAsync("About mascots", "Some languages have a crab, some a gopher, some an elephant and some a snake.");
        await this.CreateAsync("Zero-cost abstractions", "What you do not use, you do not pay for. Abstractions that cost nothing.");
        await this.CreateAsync("Crème brûlée", "Une façon de naïveté, à la carte. CAFE\u0301 NOIR");
        await this.CreateAsync("Ошибки и обработка", "Обработка ошибок на сервере, ёлка и Ёжик.");
        await this.CreateAsync("題名 東京", "東京 は 日本 の 首都 です。");
        await this.CreateAsync("C++ and c#", "let x = a[0] + b->c; \"quoted text\" <b>bold</b> & more", tags: "c#");
        await this.CreateAsync("Long", string.Join(' ', Enumerable.Range(0, 400).Select(number => $"filler{number}")) + " needle " + string.Join(' ', Enumerable.Range(400, 400).Select(number => $"filler{number}")));
        var published = (await this.CreateAsync("Published crab", "Visible")).PostId;
        Token = await this.PublishAsync(published);
    }
}

public abstract class SearchPostsSpecs<TStores>(SearchablePosts<TStores> fixture) : IClassFixture<SearchablePosts<TStores>>
    where TStores : IStoreFixture, IDisposable, new()
{
    private readonly SearchablePosts<TStores> blog = (SearchablePosts<TStores>)fixture.OrSkip();

    [SkippableTheory]
    [InlineData("ferris", "Ferris the crab")]
    [InlineData("FERRIS", "Ferris the crab")]
    [InlineData("claws mascot", "Ferris the crab")]
    [InlineData("gopher elephant", "About mascots")]
    [InlineData("gopher claws", "")]
    [InlineData("\"cost nothing\"", "Zero-cost abstractions")]
    [InlineData("\"nothing cost\"", "")]
    [InlineData("nothing cost", "Zero-cost abstractions")]
    [InlineData("\"zero cost\"", "Zero-cost abstractions")]
    [InlineData("zero-cost", "Zero-cost abstractions")]
    [InlineData("abstr*", "Zero-cost abstractions")]
    [InlineData("abstr", "")]
    [InlineData("\"you do not p\"*", "Zero-cost abstractions")]
    [InlineData("creme brulee", "Crème brûlée")]
    [InlineData("CRÈME", "Crème brûlée")]
    [InlineData("café", "Crème brûlée")]
    [InlineData("naivete", "Crème brûlée")]
    [InlineData("ошибки", "Ошибки и обработка")]
    [InlineData("ЁЛКА", "Ошибки и обработка")]
    [InlineData("東京", "題名 東京")]
    [InlineData("日本", "題名 東京")]
    [InlineData("needle", "Long")]
    [InlineData("crab -visible -gopher", "Ferris the crab")]
    [InlineData("crab -\"mascot with\" -gop*", "Published crab")]
    [InlineData("crab -claws -gopher -visible", "")]
    public async Task A_query_finds_the_posts_that_match(string query, string title)
    {
        var hits = await SearchAsync(query);
        Assert.Equal(title, string.Join(" | ", hits.Select(hit => hit.Post.Title)));
    }

    [SkippableFact]
    public async Task A_match_in_the_title_beats_one_in_the_content()
    {
        var hits = await SearchAsync("crab");
        Assert.Equal(3, hits.Count);
        Assert.Equal("About mascots", hits[^1].Post.Title);
        Assert.Equal(hits.Select(hit => hit.Score).OrderDescending(), hits.Select(hit => hit.Score));
    }

    [SkippableFact]
    public async Task Filters_and_pages_apply()
    {
        Assert.Equal("Published crab", Assert.Single(await SearchAsync("crab", new() { Statuses = { PostStatus.Published } })).Post.Title);
        Assert.Equal("Ferris the crab", Assert.Single(await SearchAsync("crab", new() { Tag = "Mascot" })).Post.Title);
        Assert.Empty(await SearchAsync("crab", new() { Tag = "mascot", Statuses = { PostStatus.Archived } }));

        var paged = new List<SearchHit>();
        var request = new SearchPostsRequest { Query = "crab", PageSize = 1, ConsistencyToken = blog.Token };
        do
        {
            var page = await blog.Queries.SearchPostsAsync(request);
            paged.Add(Assert.Single(page.Hits));
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        Assert.Equal(await SearchAsync("crab"), paged);
    }

    [SkippableFact]
    public async Task Snippets_are_the_text_cut_where_matches_begin_and_end()
    {
        var hit = Assert.Single(await SearchAsync("quoted"));
        Assert.Equal(hit.Post.Title, Joined(hit.Title));
        Assert.Equal("let x = a[0] + b->c; \"quoted text\" <b>bold</b> & more", Joined(hit.Content));
        Assert.Equal(["quoted"], Matches(hit.Content));

        var accented = Assert.Single(await SearchAsync("creme cafe"));
        Assert.Equal(["Crème"], Matches(accented.Title));
        Assert.Equal(["CAFE\u0301"], Matches(accented.Content));
        Assert.Equal(accented.Post.Title, Joined(accented.Title));

        var deep = Assert.Single(await SearchAsync("needle"));
        Assert.Equal(["needle"], Matches(deep.Content));
        Assert.InRange(Joined(deep.Content).Length, 1, 1_000);
        Assert.All(deep.Content.Fragments, fragment => Assert.NotEmpty(fragment.Text));
    }

    [SkippableFact]
    public async Task Marks_in_the_text_itself_do_not_disturb_the_snippets()
    {
        var created = await blog.CreateAsync("Control \u0001characters\u0002", "In \u0002the\u0001 content");
        var hit = Assert.Single(await SearchAsync("\"control characters\"", new() { ConsistencyToken = created.ConsistencyToken }));
        Assert.Equal("Control  characters ", Joined(hit.Title));
        Assert.Equal("In \u0002the\u0001 content", (await blog.GetAsync(created.PostId, created.ConsistencyToken)).Content);
    }

    [SkippableFact]
    public async Task The_index_follows_the_posts()
    {
        var created = await blog.CreateAsync("Quokka", "Wombat");
        var id = created.PostId;
        var retitled = await blog.Commands.ChangePostTitleAsync(new() { PostId = id, Title = "Numbat" });
        var edited = await blog.Commands.EditPostContentAsync(new() { PostId = id, Content = "Dingo" });
        var now = new SearchPostsRequest { ConsistencyToken = edited.ConsistencyToken };
        Assert.Empty(await SearchAsync("quokka", now));
        Assert.Empty(await SearchAsync("wombat", now));
        var hit = Assert.Single(await SearchAsync("numbat dingo", now));
        Assert.Equal((id, retitled.Version + 1), (hit.Post.PostId, hit.Post.Version));
    }

    [SkippableFact]
    public async Task Contents_of_any_size_and_vocabulary_are_found_by_their_last_words()
    {
        // 900 kB of 2,000 words again and again, and 1,000 kB of words that are all different.
        var repetitive = string.Join(' ', Enumerable.Range(0, 150_000).Select(number => $"w{number % 2_000:0000}")) + " wallaby bandicoot";
        var various = string.Join(' ', Enumerable.Range(0, 125_000).Select(number => $"v{number:000000}")) + " bettong pademelon";
        await blog.CreateAsync("Repetitive", repetitive);
        var created = await blog.CreateAsync("Various", various);
        var retitled = await blog.Commands.ChangePostTitleAsync(new() { PostId = created.PostId, Title = "Manifold" });
        var now = new SearchPostsRequest { ConsistencyToken = retitled.ConsistencyToken };

        var hit = Assert.Single(await SearchAsync("\"w1999 wallaby bandi\"*", now));
        Assert.Equal("w1999 wallaby bandicoot", Assert.Single(Matches(hit.Content)));
        Assert.StartsWith("…", Joined(hit.Content), StringComparison.Ordinal);
        Assert.Equal("Manifold", Assert.Single(await SearchAsync("\"v124999 bettong\" manifold", now)).Post.Title);
        Assert.Empty(await SearchAsync("\"bettong v124999\"", now));
        Assert.Empty(await SearchAsync("pademelon various", now));
        Assert.Empty(await SearchAsync("wallaby -\"w1999 wallaby\"", now));
    }

    [SkippableFact]
    public async Task Snippets_begin_60_characters_before_the_match_and_count_characters_not_units()
    {
        var created = await blog.CreateAsync("Astral", string.Concat(Enumerable.Repeat("🦀", 500)) + " kookaburra " + string.Concat(Enumerable.Repeat("🐘", 500)));
        var hit = Assert.Single(await SearchAsync("kookaburra", new() { ConsistencyToken = created.ConsistencyToken }));
        Assert.Equal(
            "…" + string.Concat(Enumerable.Repeat("🦀", 59)) + " kookaburra " + string.Concat(Enumerable.Repeat("🐘", 320 - 60 - 13)) + "…", Joined(hit.Content));
        Assert.Equal(["kookaburra"], Matches(hit.Content));
    }

    [SkippableTheory]
    [InlineData("AND")]
    [InlineData("crab AND OR NOT NEAR")]
    [InlineData("NEAR(crab claws, 5)")]
    [InlineData("title:crab")]
    [InlineData("{title content}: crab")]
    [InlineData("(crab")]
    [InlineData("crab)")]
    [InlineData("^crab + claws")]
    [InlineData("crab\"")]
    [InlineData("\"crab")]
    [InlineData("\"\"crab\"\"")]
    [InlineData("'crab' ; DROP TABLE post_search --")]
    [InlineData("crab**")]
    [InlineData("crab -")]
    [InlineData("crab --claws")]
    [InlineData("crab -*")]
    [InlineData("crab 🦀")]
    [InlineData("crab\0claws")]
    [InlineData("crab \u0001\u0002 %_?@x :a $b")]
    [InlineData("ﬁ ½ ² Ⅷ ٣ \u0301x")]
    public async Task Hostile_queries_are_answered(string query) => await SearchAsync(query);

    [SkippableTheory]
    [InlineData("")]
    [InlineData(" \t ")]
    [InlineData("*")]
    [InlineData("\"\"")]
    [InlineData("\"")]
    [InlineData("-")]
    [InlineData("-crab")]
    [InlineData("-crab -\"with claws\"")]
    [InlineData("()[]{}:^+")]
    [InlineData("🦀 🐘")]
    [InlineData("\0")]
    public async Task Queries_without_a_word_to_look_for_are_refused(string query) =>
        (await Refusal.OfAsync(blog.Queries.SearchPostsAsync(new() { Query = query }))).Is(EngineErrors.InvalidFields, "query");

    [SkippableFact]
    public async Task A_query_has_at_most_500_characters()
    {
        await SearchAsync(string.Concat(Enumerable.Repeat("a ", 250)));
        await SearchAsync("a " + string.Concat(Enumerable.Repeat("-b ", 166)));
        foreach (var character in (string[])["x", "𠀀"])
        {
            var longest = string.Concat(Enumerable.Repeat(character, 500));
            await SearchAsync(longest);
            var tooLong = new SearchPostsRequest { Query = longest + "x" };
            (await Refusal.OfAsync(blog.Queries.SearchPostsAsync(tooLong))).Is(EngineErrors.InvalidFields, "query");
        }
    }

    private async Task<IReadOnlyList<SearchHit>> SearchAsync(string query, SearchPostsRequest? request = null)
    {
        request = new SearchPostsRequest(request ?? new()) { Query = query, PageSize = 100 };
        request.ConsistencyToken = request.ConsistencyToken.Length > 0 ? request.ConsistencyToken : blog.Token;
        return (await blog.Queries.SearchPostsAsync(request)).Hits;
    }

    private static string Joined(Snippet snippet) => string.Concat(snippet.Fragments.Select(fragment => fragment.Text));

    private static IEnumerable<string> Matches(Snippet snippet) =>
        snippet.Fragments.Where(fragment => fragment.Matched).Select(fragment => fragment.Text);
}

public sealed class SearchPostsTests(SearchablePosts<SqliteFixture> fixture) : SearchPostsSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlSearchPostsTests(SearchablePosts<WholePostgreSqlFixture> fixture) : SearchPostsSpecs<WholePostgreSqlFixture>(fixture);

public sealed class SqlServerSearchPostsTests(SearchablePosts<WholeSqlServerFixture> fixture) : SearchPostsSpecs<WholeSqlServerFixture>(fixture);
