using Blog.V1;
using Google.Rpc;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>A service that waits only shortly for a consistency token.</summary>
public sealed class ImpatientBlog : BlogService
{
    protected override IEnumerable<string> Settings => ["--Projections:MaxTokenWait=00:00:00.050"];
}

/// <summary>Sizes and waits at their bounds.</summary>
public sealed class LimitTests(ImpatientBlog blog) : IClassFixture<ImpatientBlog>
{
    private const int Mebibyte = 1024 * 1024;

    [Fact]
    public async Task A_content_of_1_MiB_survives_byte_for_byte()
    {
        // Line ends of all kinds, a byte order mark, decomposed and supplementary characters; four bytes of UTF-8 in all but the tail.
        const string odd = "\r\n\n\r\uFEFFe\u0301é\u2028\u0001\t\"\\";
        var size = System.Text.Encoding.UTF8.GetByteCount(odd);
        var content = odd + string.Concat(Enumerable.Repeat("🦀", (Mebibyte - size) / 4)) + new string('x', (Mebibyte - size) % 4);
        Assert.Equal(Mebibyte, System.Text.Encoding.UTF8.GetByteCount(content));

        var created = await blog.CreateAsync("1 MiB", content);
        Assert.Equal(content, (await blog.GetAsync(created.PostId, created.ConsistencyToken)).Content);
        Assert.Equal(content, (await blog.Queries.GetPostAsOfAsync(new() { PostId = created.PostId, Version = 1 })).Post.Content);

        var tooLarge = new EditPostContentRequest { PostId = created.PostId, Content = content + "x" };
        (await Refusal.OfAsync(blog.Commands.EditPostContentAsync(tooLarge))).Is(EngineErrors.InvalidFields, "content");
        (await Refusal.OfAsync(blog.Commands.CreatePostAsync(PostCalls.NewPost(content: content + "x")))).Is(EngineErrors.InvalidFields, "content");
        Assert.Single(await blog.HistoryAsync(created.PostId));
    }

    [Fact]
    public async Task A_request_above_4_MiB_is_refused_unread()
    {
        blog.ExpectError("Error reading message");
        var request = PostCalls.NewPost(content: new string('x', 4 * Mebibyte));
        Assert.Equal(StatusCode.ResourceExhausted, (await Refusal.OfAsync(blog.Commands.CreatePostAsync(request))).Status);
        await blog.CreateAsync("The connection goes on");
    }

    [Fact]
    public async Task A_token_that_the_read_model_does_not_reach_in_time_is_told_to_retry()
    {
        var token = blog.TokenFor(long.MaxValue);
        var refusal = (await Refusal.OfAsync(blog.Queries.GetPostAsync(new() { PostId = PostCalls.UnknownId, ConsistencyToken = token }))).Is(EngineErrors.ReadModelBehind);
        Assert.NotNull(refusal.Detail<RetryInfo>());
        (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new() { ConsistencyToken = token }))).Is(EngineErrors.ReadModelBehind);
        (await Refusal.OfAsync(blog.Queries.SearchPostsAsync(new() { Query = "x", ConsistencyToken = token }))).Is(EngineErrors.ReadModelBehind);
        (await Refusal.OfAsync(blog.Queries.ListTagsAsync(new() { ConsistencyToken = token }))).Is(EngineErrors.ReadModelBehind);
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
