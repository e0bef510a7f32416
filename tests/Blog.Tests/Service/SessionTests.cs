using Blog.V1;
using Grpc.Core;
using GrpcCqrs.Client;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Hosting;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>Sessions of the client library: read your writes without a token in any request.</summary>
public sealed class SessionTests(BlogService blog) : IClassFixture<BlogService>
{
    private const int Clients = 6;
    private const int Rounds = 25;

    [Fact]
    public async Task Every_client_of_a_session_sees_what_the_session_did()
    {
        await Task.WhenAll(Enumerable.Range(1, Clients).Select(async client =>
        {
            using var channel = blog.NewChannel();
            var session = new ConsistencySession();
            var commands = new PostCommandService.PostCommandServiceClient(session.Intercept(channel));
            var queries = new PostQueryService.PostQueryServiceClient(session.Intercept(channel));
            var id = (await commands.CreatePostAsync(PostCalls.NewPost($"Title of {client}"))).PostId;
            for (var round = 1; round <= Rounds; round++)
            {
                var title = $"Round {round} of {client}";
                var changed = await commands.ChangePostTitleAsync(new ChangePostTitleRequest { PostId = id, Title = title });
                Assert.Equal(session.Token, ConsistencyToken.Latest(session.Token, changed.ConsistencyToken));
                Assert.Equal(title, (await queries.GetPostAsync(new GetPostRequest { PostId = id })).Post.Title);
            }
        }));
    }

    [Fact]
    public void Blocking_calls_belong_to_a_session_too()
    {
        var session = new ConsistencySession();
        var commands = new PostCommandService.PostCommandServiceClient(session.Intercept(blog.Channel));
        var queries = new PostQueryService.PostQueryServiceClient(session.Intercept(blog.Channel));
        for (var round = 1; round <= Rounds; round++)
        {
            var created = commands.CreatePost(PostCalls.NewPost($"Blocking {round}"));
            Assert.Equal($"Blocking {round}", queries.GetPost(new GetPostRequest { PostId = created.PostId }).Post.Title);
        }
    }

    [Fact]
    public async Task A_token_in_the_header_that_is_not_of_the_store_is_refused_by_name()
    {
        var headers = new Metadata { { CallContexts.TokenHeader, "forged" } };
        (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new ListPostsRequest(), headers)))
            .Is(EngineErrors.ConsistencyTokenInvalid, $"header {CallContexts.TokenHeader}");
        (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new ListPostsRequest { ConsistencyToken = "forged" }, new Metadata { { CallContexts.TokenHeader, blog.TokenFor(0) } })))
            .Is(EngineErrors.ConsistencyTokenInvalid, "consistency_token");
    }
}

/// <summary>Two tokens in one request, one of which is never reached.</summary>
public sealed class TwoTokensTests(ImpatientBlog blog) : IClassFixture<ImpatientBlog>
{
    [Fact]
    public async Task The_later_one_of_the_tokens_in_the_request_and_in_the_header_holds()
    {
        var created = await blog.CreateAsync();
        var (now, never) = (created.ConsistencyToken, blog.TokenFor(long.MaxValue));
        await OperatedBlog.UntilAsync(async () => await IsReachedAsync(created.PostId, now));
        foreach (var (field, header) in new[] { ("", never), (now, never), (never, now) })
        {
            (await Refusal.OfAsync(AskAsync(field, header))).Is(EngineErrors.ReadModelBehind);
        }

        Assert.Equal(created.PostId, (await AskAsync("", now)).Post.PostId);
        Assert.Equal(created.PostId, (await AskAsync(blog.TokenFor(0), now)).Post.PostId);

        AsyncUnaryCall<GetPostResponse> AskAsync(string field, string header) => blog.Queries.GetPostAsync(
            new GetPostRequest { PostId = created.PostId, ConsistencyToken = field }, new Metadata { { CallContexts.TokenHeader, header } });
    }

    /// <summary>Whether a query with a token is answered by a service that waits only a moment.</summary>
    private async Task<bool> IsReachedAsync(string postId, string token)
    {
        try
        {
            await blog.GetAsync(postId, token);
            return true;
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.Unavailable)
        {
            return false;
        }
    }
}
