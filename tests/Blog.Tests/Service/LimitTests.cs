using Blog.V1;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>Sizes at their bounds.</summary>
public sealed class LimitTests(BlogService blog) : IClassFixture<BlogService>
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
}
