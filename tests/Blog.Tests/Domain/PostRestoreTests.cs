using Blog.Domain.Posts;
using Xunit;

namespace Blog.Tests.Domain;

public sealed class PostRestoreTests
{
    private static readonly Post Earlier = PostSpec.Draft.State;

    [Fact]
    public void Restoring_appends_the_difference_only() =>
        PostSpec.Draft
            .Given(new PostTitleUpdated("Another"), new PostTagsAdded(["rust"]), new PostTagsRemoved(["grpc"]), new PostPublished())
            .When(post => post.RestoreTo(Earlier, keepStatus: false))
            .Then(new PostTitleUpdated("Title"), new PostTagsRemoved(["rust"]), new PostTagsAdded(["grpc"]), new PostUnpublished());

    [Fact]
    public void Restoring_the_content_keeps_everything_else() =>
        PostSpec.Draft
            .Given(new PostContentEdited("Another"))
            .When(post => post.RestoreTo(Earlier, keepStatus: false))
            .Then(new PostContentEdited("Content"));

    [Fact]
    public void Restoring_what_is_already_so_appends_nothing() =>
        PostSpec.Draft
            .Given(new PostTitleUpdated("Another"), new PostTitleUpdated("Title"))
            .When(post => post.RestoreTo(Earlier, keepStatus: false))
            .ThenNothing();

    [Theory]
    [InlineData(PostStatus.Draft)]
    [InlineData(PostStatus.Published)]
    [InlineData(PostStatus.Archived)]
    public void Restoring_can_leave_the_status_as_it_is(PostStatus now)
    {
        foreach (var earlier in (PostStatus[])[PostStatus.Draft, PostStatus.Published, PostStatus.Archived])
        {
            PostSpec.In(now)
                .Given(new PostTitleUpdated("Another"))
                .When(post => post.RestoreTo(PostSpec.In(earlier).State, keepStatus: true))
                .Then(new PostTitleUpdated("Title"));
        }
    }

    [Theory]
    [InlineData(PostStatus.Draft)]
    [InlineData(PostStatus.Published)]
    [InlineData(PostStatus.Archived)]
    public void Restoring_brings_back_any_status_from_any_other(PostStatus now)
    {
        foreach (var earlier in (PostStatus[])[PostStatus.Draft, PostStatus.Published, PostStatus.Archived])
        {
            var outcome = PostSpec.In(now).When(post => post.RestoreTo(PostSpec.In(earlier).State, keepStatus: false));
            Assert.Equal(now == earlier ? 0 : 1, outcome.Events.Count);
            Assert.Equal(earlier, outcome.State.Status);
        }
    }

    [Fact]
    public void Restoring_keeps_the_slug_and_the_author()
    {
        var state = PostSpec.Draft.Given(new PostTitleUpdated("Another")).When(post => post.RestoreTo(Earlier, keepStatus: false)).State;
        Assert.Equal((Earlier.Slug, Earlier.Author), (state.Slug, state.Author));
    }
}
