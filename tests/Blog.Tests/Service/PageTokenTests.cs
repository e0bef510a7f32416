using Blog.V1;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>Two stores, and a page token of each query on the first.</summary>
public sealed class TwoStores : BlogService, IAsyncLifetime
{
    public BlogService Other { get; } = new();

    async Task IAsyncLifetime.InitializeAsync()
    {
        await Task.WhenAll(InitializeAsync(), Other.InitializeAsync());
        await this.CreateAsync("Paged", "Paged", tags: ["paged-1", "paged-2"]);
        PostId = (await this.CreateAsync("Paged", "Paged")).PostId;
        await this.PublishAsync(PostId);
        Token = (await this.CreateAsync("Paged", "Paged", "Grace")).ConsistencyToken;
    }

    async Task IAsyncLifetime.DisposeAsync()
    {
        await Other.DisposeAsync();
        await DisposeAsync();
    }

    public string PostId { get; private set; } = "";

    public string Token { get; private set; } = "";
}

/// <summary>Tokens are opaque and sealed: any other than the one that was given is refused.</summary>
public sealed class PageTokenTests(TwoStores blog) : IClassFixture<TwoStores>
{
    /// <summary>Asks for a page; the answer is the token of the next.</summary>
    private delegate Task<string> Ask(BlogService service, string pageToken);

    private Dictionary<string, Ask> Queries => new(StringComparer.Ordinal)
    {
        ["ListPosts"] = async (service, token) =>
            (await service.Queries.ListPostsAsync(new() { PageSize = 1, PageToken = token })).NextPageToken,
        ["SearchPosts"] = async (service, token) =>
            (await service.Queries.SearchPostsAsync(new() { Query = "paged", PageSize = 1, PageToken = token })).NextPageToken,
        ["ListTags"] = async (service, token) =>
            (await service.Queries.ListTagsAsync(new() { PageSize = 1, PageToken = token })).NextPageToken,
        ["ListAuthors"] = async (service, token) =>
            (await service.Queries.ListAuthorsAsync(new() { PageSize = 1, PageToken = token })).NextPageToken,
        ["GetPostHistory"] = async (service, token) =>
            (await service.Queries.GetPostHistoryAsync(new() { PostId = blog.PostId, PageSize = 1, PageToken = token })).NextPageToken,
    };

    public static TheoryData<string> PagedQueries => ["ListPosts", "SearchPosts", "ListTags", "ListAuthors", "GetPostHistory"];

    [Theory]
    [MemberData(nameof(PagedQueries))]
    public async Task A_page_token_that_was_altered_is_refused(string query)
    {
        var token = await FirstTokenAsync(query);
        var altered = new List<string> { token[..^1], token[1..], token + "A", token + token, "x", "not a token!", new('A', 5_000) };
        altered.AddRange(Enumerable.Range(0, token.Length).Select(index => token[..index] + (token[index] == 'A' ? 'B' : 'A') + token[(index + 1)..]));
        foreach (var text in altered)
        {
            await AssertRefusedAsync(query, blog, text);
        }
    }

    [Theory]
    [MemberData(nameof(PagedQueries))]
    public async Task A_page_token_of_another_query_is_refused(string query)
    {
        foreach (var other in Queries.Keys.Where(name => name != query))
        {
            await AssertRefusedAsync(query, blog, await FirstTokenAsync(other));
        }

        await AssertRefusedAsync(query, blog, blog.Token);
    }

    [Theory]
    [MemberData(nameof(PagedQueries))]
    public async Task A_page_token_of_another_store_is_refused(string query) =>
        await AssertRefusedAsync(query, blog.Other, await FirstTokenAsync(query));

    [Fact]
    public async Task A_page_token_goes_with_the_filters_that_it_was_given_for()
    {
        var list = await FirstTokenAsync("ListPosts");
        var time = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch);
        foreach (var request in (ListPostsRequest[])
            [
                new() { Author = "Ada" },
                new() { Tag = "paged-1" },
                new() { Statuses = { PostStatus.Draft } },
                new() { Created = new() { StartTime = time } },
                new() { Updated = new() { StartTime = time } },
                new() { Published = new() { StartTime = time } },
                new() { OrderBy = PostOrder.Title },
                new() { Direction = SortDirection.Ascending },
            ])
        {
            request.PageToken = list;
            (await Refusal.OfAsync(blog.Queries.ListPostsAsync(request))).Is(EngineErrors.PageTokenInvalid, "page_token");
        }

        var search = await FirstTokenAsync("SearchPosts");
        (await Refusal.OfAsync(blog.Queries.SearchPostsAsync(new() { Query = "other", PageToken = search }))).Is(EngineErrors.PageTokenInvalid, "page_token");
        (await Refusal.OfAsync(blog.Queries.SearchPostsAsync(new() { Query = "paged", Tag = "x", PageToken = search }))).Is(EngineErrors.PageTokenInvalid, "page_token");
        var tags = await FirstTokenAsync("ListTags");
        (await Refusal.OfAsync(blog.Queries.ListTagsAsync(new() { Prefix = "paged", PageToken = tags }))).Is(EngineErrors.PageTokenInvalid, "page_token");
        var authors = await FirstTokenAsync("ListAuthors");
        (await Refusal.OfAsync(blog.Queries.ListAuthorsAsync(new() { Prefix = "A", PageToken = authors }))).Is(EngineErrors.PageTokenInvalid, "page_token");
        (await Refusal.OfAsync(blog.Queries.ListAuthorsAsync(new() { OrderBy = AuthorOrder.PostCount, PageToken = authors }))).Is(EngineErrors.PageTokenInvalid, "page_token");
        var history = await FirstTokenAsync("GetPostHistory");
        var otherPost = new GetPostHistoryRequest { PostId = PostCalls.UnknownId, PageToken = history };
        (await Refusal.OfAsync(blog.Queries.GetPostHistoryAsync(otherPost))).Is(EngineErrors.PageTokenInvalid, "page_token");
    }

    [Fact]
    public async Task The_page_size_may_change_from_page_to_page()
    {
        var token = await FirstTokenAsync("ListPosts");
        Assert.Equal(2, (await blog.Queries.ListPostsAsync(new() { PageSize = 50, PageToken = token })).Posts.Count);
    }

    [Fact]
    public async Task A_consistency_token_that_was_altered_or_is_of_another_store_is_refused()
    {
        var token = blog.Token;
        var foreign = (await blog.Other.CreateAsync()).ConsistencyToken;
        var page = await FirstTokenAsync("ListPosts");
        foreach (var text in (string[])[token[..^1], token + "A", "x", "!", foreign, page, (token[0] == 'B' ? "C" : "B") + token[1..], new('A', 5_000)])
        {
            (await Refusal.OfAsync(blog.Queries.GetPostAsync(new() { PostId = blog.PostId, ConsistencyToken = text }))).Is(EngineErrors.ConsistencyTokenInvalid, "consistency_token");
            (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new() { ConsistencyToken = text }))).Is(EngineErrors.ConsistencyTokenInvalid, "consistency_token");
            (await Refusal.OfAsync(blog.Queries.SearchPostsAsync(new() { Query = "x", ConsistencyToken = text }))).Is(EngineErrors.ConsistencyTokenInvalid, "consistency_token");
            (await Refusal.OfAsync(blog.Queries.ListTagsAsync(new() { ConsistencyToken = text }))).Is(EngineErrors.ConsistencyTokenInvalid, "consistency_token");
            (await Refusal.OfAsync(blog.Queries.ListAuthorsAsync(new() { ConsistencyToken = text }))).Is(EngineErrors.ConsistencyTokenInvalid, "consistency_token");
            (await Refusal.OfAsync(blog.Queries.ListDailyActivityAsync(new() { ConsistencyToken = text }))).Is(EngineErrors.ConsistencyTokenInvalid, "consistency_token");
            (await Refusal.OfAsync(blog.Queries.GetPostHistoryAsync(new() { PostId = blog.PostId, ConsistencyToken = text }))).Is(EngineErrors.ConsistencyTokenInvalid, "consistency_token");
            (await Refusal.OfAsync(blog.Queries.GetPostAsOfAsync(new() { PostId = blog.PostId, Version = 1, ConsistencyToken = text }))).Is(EngineErrors.ConsistencyTokenInvalid, "consistency_token");
        }
    }

    private async Task<string> FirstTokenAsync(string query)
    {
        await blog.GetAsync(blog.PostId, blog.Token);
        var token = await Queries[query](blog, "");
        Assert.NotEmpty(token);
        return token;
    }

    private async Task AssertRefusedAsync(string query, BlogService service, string pageToken)
    {
        var exception = await Assert.ThrowsAsync<RpcException>(() => Queries[query](service, pageToken));
        Refusal.Of(exception).Is(EngineErrors.PageTokenInvalid, "page_token");
    }
}
