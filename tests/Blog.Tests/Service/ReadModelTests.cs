using Blog.V1;
using Google.Protobuf;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>Whatever the command: the read model shows the post that its events give.</summary>
public sealed class ReadModelTests(BlogService blog) : IClassFixture<BlogService>
{
    [Theory]
    [MemberData(nameof(CommandCall.OnAPost), MemberType = typeof(CommandCall))]
    public async Task After_any_command_the_read_model_shows_what_the_events_say(string command)
    {
        var post = await blog.CreateAsync("Any command", tags: "any");
        await blog.PublishAsync(post.PostId);
        var answer = await CommandCall.SendAsync(blog, command, post.PostId);

        var told = (await blog.Queries.GetPostAsOfAsync(new() { PostId = post.PostId, Version = answer.Version })).Post;
        if (told.Status == PostStatus.Deleted)
        {
            await AssertAbsentAsync(post.PostId, answer.Token);
            return;
        }

        var shown = await blog.GetAsync(post.PostId, answer.Token);
        Assert.True(told.Equals(shown), $"GetPost shows {shown}; the events give {told}. Look at the row class and the projection of post_details.");
        var listed = (await blog.Queries.ListPostsAsync(new() { Author = told.Author, ConsistencyToken = answer.Token, PageSize = 100 })).Posts
            .Single(one => one.PostId == post.PostId);
        foreach (var field in PostSummary.Descriptor.Fields.InDeclarationOrder())
        {
            var (expected, found) = (Post.Descriptor.FindFieldByName(field.Name).Accessor.GetValue(told), field.Accessor.GetValue(listed));
            Assert.True(Equals(expected, found), $"ListPosts shows {field.Name} {found}; the events give {expected}. Look at the row class and the projection of post_list.");
        }
    }

    /// <summary>No query that answers without more than its token names a deleted post.</summary>
    private async Task AssertAbsentAsync(string postId, string token)
    {
        (await Refusal.OfAsync(blog.Queries.GetPostAsync(new GetPostRequest { PostId = postId, ConsistencyToken = token }))).Is(global::Blog.Domain.Posts.PostErrors.NotFound);
        foreach (var query in QueryCall.With("page_token").Where(query => query != nameof(blog.Queries.GetPostHistory)))
        {
            var answer = await QueryCall.SendAsync(blog, query, QueryCall.Request(query, postId).With("consistency_token", token));
            Assert.DoesNotContain(postId, JsonFormatter.Default.Format(answer), StringComparison.Ordinal);
        }
    }
}
