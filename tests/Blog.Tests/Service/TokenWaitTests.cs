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
    [Theory]
    [MemberData(nameof(QueryCall.All), MemberType = typeof(QueryCall))]
    public async Task The_read_model_is_waited_for_and_the_past_is_answered_without(string query)
    {
        var id = (await blog.CreateAsync()).PostId;
        var request = QueryCall.Request(query, id).With("consistency_token", blog.TokenFor(long.MaxValue));
        if (QueryCall.RegistrationOf(blog, query).Projections is null)
        {
            // A query of the event log.
            await QueryCall.SendAsync(blog, query, request);
            return;
        }

        var refusal = (await QueryCall.RefuseAsync(blog, query, request)).Is(EngineErrors.ReadModelBehind);
        Assert.NotNull(refusal.Detail<RetryInfo>());
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
