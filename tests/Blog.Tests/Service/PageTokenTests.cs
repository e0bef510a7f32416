using Blog.V1;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
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
    /// <summary>Another value of each text that a page token goes with.</summary>
    private static readonly Dictionary<string, string> OtherTexts = new(StringComparer.Ordinal)
    {
        ["author"] = "Ada",
        ["end_day"] = "2030-01-01",
        ["post_id"] = PostCalls.UnknownId,
        ["prefix"] = "paged",
        ["query"] = "other",
        ["start_day"] = "1970-01-01",
        ["tag"] = "paged-1",
    };

    [Theory]
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

    [Theory]
    [MemberData(nameof(QueryCall.Paged), MemberType = typeof(QueryCall))]
    public async Task A_page_token_of_another_query_is_refused(string query)
    {
        foreach (var other in QueryCall.With("page_token").Where(name => name != query))
        {
            await AssertRefusedAsync(query, blog, await FirstTokenAsync(other));
        }

        await AssertRefusedAsync(query, blog, blog.Token);
    }

    [Theory]
    [MemberData(nameof(QueryCall.Paged), MemberType = typeof(QueryCall))]
    public async Task A_page_token_of_another_store_is_refused(string query) =>
        await AssertRefusedAsync(query, blog.Other, await FirstTokenAsync(query));

    [Theory]
    [MemberData(nameof(QueryCall.Paged), MemberType = typeof(QueryCall))]
    public async Task A_page_token_goes_with_the_filters_that_it_was_given_for(string query)
    {
        var token = await FirstTokenAsync(query);
        foreach (var field in QueryCall.FieldsOf(query).Where(IsFilter))
        {
            object[] others = [.. OthersOf(query, field)];
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
                refused >= Math.Max(1, others.Length - (field.FieldType == FieldType.Enum ? 1 : 0)),
                $"{query} accepts a page token with another {field.Name}: put it into the filters that its handler gives to PageTokens.");
        }
    }

    [Fact]
    public async Task The_page_size_may_change_from_page_to_page()
    {
        var token = await FirstTokenAsync("ListPosts");
        Assert.Equal(2, (await blog.Queries.ListPostsAsync(new() { PageSize = 50, PageToken = token })).Posts.Count);
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

    /// <summary>Whether a field chooses what a query answers; the others say how much of it, or how it is shown.</summary>
    private static bool IsFilter(FieldDescriptor field) =>
        field.Name is not ("page_size" or "page_token" or "consistency_token" or "include_data" or "include_changes");

    private static IEnumerable<object> OthersOf(string query, FieldDescriptor field)
    {
        if (field.FieldType == FieldType.Enum)
        {
            return QueryCall.ValuesOf(field).Select(number => QueryCall.EnumOf(field, number)).Where(value => !value.Equals(PostStatus.Deleted));
        }

        if (field.FieldType == FieldType.Bool)
        {
            return [true];
        }

        if (field.FieldType == FieldType.Message && field.MessageType.ClrType == typeof(TimeRange))
        {
            return [new TimeRange { StartTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch) }];
        }

        Assert.True(OtherTexts.ContainsKey(field.Name), $"PageTokenTests has no other value for {query}'s field {field.Name}: add one to OtherTexts.");
        return [OtherTexts[field.Name]];
    }

    private async Task<string> FirstTokenAsync(string query)
    {
        await blog.GetAsync(blog.PostId, blog.Token);
        var token = await QueryCall.NextPageAsync(blog, query, blog.PostId, "");
        Assert.True(token.Length > 0, $"{query} has no second page: have TwoStores in PageTokenTests create what it lists, twice at least.");
        return token;
    }

    private async Task AssertRefusedAsync(string query, BlogService service, string pageToken)
    {
        var exception = await Assert.ThrowsAsync<RpcException>(() => QueryCall.NextPageAsync(service, query, blog.PostId, pageToken));
        Refusal.Of(exception).Is(EngineErrors.PageTokenInvalid, "page_token");
    }
}
