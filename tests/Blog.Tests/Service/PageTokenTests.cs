using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>Two stores. The first has two posts at least that each command was the last to change, so that every list has a second page.</summary>
public sealed class TwoStores : BlogService, IAsyncLifetime
{
    public BlogService Other { get; } = new();

    async Task IAsyncLifetime.InitializeAsync()
    {
        await Task.WhenAll(InitializeAsync(), Other.InitializeAsync());
        await this.CreateAsync("Paged", "Paged", tags: ["paged-1", "paged-2"]);
        foreach (var command in CommandCall.OnALivePost)
        {
            await CommandCall.StartAndSendAsync(this, command);
            await CommandCall.StartAndSendAsync(this, command);
        }

        PostId = (await this.CreateAsync("Paged", "Paged")).PostId;
        await this.PublishAsync(PostId);
        Token = (await this.CreateAsync("Paged", "Paged", "Grace")).ConsistencyToken;

        // Activity of another day, for a second page.
        await this.GetAsync(PostId, Token);
        await this.InsertActivityAsync(0);
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
    [Theory]
    [MemberData(nameof(QueryCall.Paged), MemberType = typeof(QueryCall))]
    public async Task Every_list_has_a_second_page_to_test_with(string query) =>
        Assert.True(
            await FindTokenAsync(query) is not null,
            $"{query} has no second page: no two posts that a command was the last to change are on it. Have TwoStores in PageTokenTests.cs create what it lists, twice at least.");

    [Theory]
    [MemberData(nameof(QueryCall.Paged), MemberType = typeof(QueryCall))]
    public async Task Pages_put_together_are_the_whole_list(string query)
    {
        var whole = await QueryCall.ListAsync(blog, query, Request());
        Assert.Equal(whole.Count, whole.Distinct(StringComparer.Ordinal).Count());
        foreach (var pageSize in (int[])[1, 2, 3])
        {
            Assert.Equal(whole, await QueryCall.ListAsync(blog, query, Request(), pageSize));
        }

        IMessage Request() => QueryCall.Request(query, blog.PostId).With("consistency_token", blog.Token);
    }

    [SkippableTheory]
    [MemberData(nameof(QueryCall.Paged), MemberType = typeof(QueryCall))]
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

    [SkippableTheory]
    [MemberData(nameof(QueryCall.Paged), MemberType = typeof(QueryCall))]
    public async Task A_page_token_of_another_query_is_refused(string query)
    {
        foreach (var other in QueryCall.With("page_token").Where(name => name != query))
        {
            if (await FindTokenAsync(other) is { } token)
            {
                await AssertRefusedAsync(query, blog, token);
            }
        }

        await AssertRefusedAsync(query, blog, blog.Token);
    }

    [SkippableTheory]
    [MemberData(nameof(QueryCall.Paged), MemberType = typeof(QueryCall))]
    public async Task A_page_token_of_another_store_is_refused(string query) =>
        await AssertRefusedAsync(query, blog.Other, await FirstTokenAsync(query));

    [SkippableTheory]
    [MemberData(nameof(QueryCall.Paged), MemberType = typeof(QueryCall))]
    public async Task A_page_token_goes_with_the_filters_that_it_was_given_for(string query)
    {
        var token = await FirstTokenAsync(query);
        foreach (var field in QueryCall.FieldsOf(query).Where(QueryCall.IsFilter))
        {
            var others = QueryCall.OthersOf(query, field);
            var refused = 0;
            foreach (var other in others)
            {
                var exception = await Record.ExceptionAsync(() =>
                    QueryCall.SendAsync(blog, query, QueryCall.Request(query, blog.PostId).With(field.Name, other).With("page_token", token)));
                if (exception is RpcException refusal)
                {
                    Refusal.Of(refusal).Is(EngineErrors.PageTokenInvalid, "page_token");
                    refused++;
                }
            }

            // One value of an enum may be what the query takes where none is given.
            Assert.True(
                refused >= Math.Max(1, others.Count - (field.FieldType == FieldType.Enum ? 1 : 0)),
                $"{query} accepts a page token with another {field.Name}: put it into the filters that its handler gives to PageTokens.");
        }
    }

    [Fact]
    public async Task The_page_size_may_change_from_page_to_page()
    {
        var token = await FirstTokenAsync("ListPosts");
        var whole = await blog.Queries.ListPostsAsync(new() { PageSize = 100 });
        Assert.Equal(whole.Posts.Skip(1), (await blog.Queries.ListPostsAsync(new() { PageSize = 100, PageToken = token })).Posts);
    }

    [Theory]
    [MemberData(nameof(QueryCall.All), MemberType = typeof(QueryCall))]
    public async Task A_consistency_token_that_was_altered_or_is_of_another_store_is_refused(string query)
    {
        var token = blog.Token;
        var foreign = (await blog.Other.CreateAsync()).ConsistencyToken;
        var page = await FirstTokenAsync("ListPosts");
        foreach (var text in (string[])[token[..^1], token + "A", "x", "!", foreign, page, (token[0] == 'B' ? "C" : "B") + token[1..], new('A', 5_000)])
        {
            (await QueryCall.RefuseAsync(blog, query, QueryCall.Request(query, blog.PostId).With("consistency_token", text)))
                .Is(EngineErrors.ConsistencyTokenInvalid, "consistency_token");
        }
    }

    /// <summary>The token of the second page; the test is skipped where there is none, which another test reports.</summary>
    private async Task<string> FirstTokenAsync(string query)
    {
        var token = await FindTokenAsync(query);
        Skip.If(token is null, $"{query} has no second page.");
        return token!;
    }

    private async Task<string?> FindTokenAsync(string query)
    {
        await blog.GetAsync(blog.PostId, blog.Token);
        return await QueryCall.NextPageAsync(blog, query, blog.PostId, "") is { Length: > 0 } token ? token : null;
    }

    private async Task AssertRefusedAsync(string query, BlogService service, string pageToken)
    {
        var exception = await Assert.ThrowsAsync<RpcException>(() => QueryCall.NextPageAsync(service, query, blog.PostId, pageToken));
        Refusal.Of(exception).Is(EngineErrors.PageTokenInvalid, "page_token");
    }
}
