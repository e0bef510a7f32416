using Google.Rpc;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>A service that waits only shortly for a consistency token; good for tokens that are never reached.</summary>
public sealed class ImpatientBlog : BlogService
{
    protected override IEnumerable<string> Settings => ["--Projections:MaxTokenWait=00:00:00.050"];
}

/// <summary>Queries with a token of this store that the read model has not reached.</summary>
public sealed class TokenWaitTests(ImpatientBlog blog) : IClassFixture<ImpatientBlog>
{
    [Fact]
    public async Task A_token_that_the_read_model_does_not_reach_in_time_is_told_to_retry()
    {
        var token = blog.TokenFor(long.MaxValue);
        var refusal = (await Refusal.OfAsync(blog.Queries.GetPostAsync(new() { PostId = PostCalls.UnknownId, ConsistencyToken = token }))).Is(EngineErrors.ReadModelBehind);
        Assert.NotNull(refusal.Detail<RetryInfo>());
        (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new() { ConsistencyToken = token }))).Is(EngineErrors.ReadModelBehind);
        (await Refusal.OfAsync(blog.Queries.SearchPostsAsync(new() { Query = "x", ConsistencyToken = token }))).Is(EngineErrors.ReadModelBehind);
        (await Refusal.OfAsync(blog.Queries.ListTagsAsync(new() { ConsistencyToken = token }))).Is(EngineErrors.ReadModelBehind);
        (await Refusal.OfAsync(blog.Queries.ListAuthorsAsync(new() { ConsistencyToken = token }))).Is(EngineErrors.ReadModelBehind);
        (await Refusal.OfAsync(blog.Queries.ListDailyActivityAsync(new() { ConsistencyToken = token }))).Is(EngineErrors.ReadModelBehind);
    }

    [Fact]
    public async Task The_past_is_answered_whatever_the_read_model_has_reached()
    {
        var id = (await blog.CreateAsync()).PostId;
        var token = blog.TokenFor(long.MaxValue);
        Assert.Single((await blog.Queries.GetPostHistoryAsync(new() { PostId = id, ConsistencyToken = token })).Entries);
        Assert.Equal(1, (await blog.Queries.GetPostAsOfAsync(new() { PostId = id, Version = 1, ConsistencyToken = token })).Post.Version);
    }
}

/// <summary>A service whose own limit for a token is later than any call's deadline.</summary>
public sealed class DeadlineTests(BlogService blog) : IClassFixture<BlogService>
{
    [Fact]
    public async Task A_call_that_waits_for_a_token_ends_at_its_deadline()
    {
        var deadline = TimeProvider.System.GetUtcNow().UtcDateTime.AddMilliseconds(200);
        var call = blog.Queries.GetPostAsync(new() { PostId = PostCalls.UnknownId, ConsistencyToken = blog.TokenFor(long.MaxValue) }, deadline: deadline);
        Assert.Equal(StatusCode.DeadlineExceeded, (await Refusal.OfAsync(call)).Status);
    }
}
