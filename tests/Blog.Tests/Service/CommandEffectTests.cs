using Blog.V1;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>What each command does to what GetPost returns.</summary>
public sealed class CommandEffectTests(BlogService blog) : IClassFixture<BlogService>
{
    [Fact]
    public async Task ChangePostTitle_changes_the_title_and_not_the_slug()
    {
        var created = await blog.CreateAsync("Before", tags: "x");
        var before = await blog.GetAsync(created.PostId, created.ConsistencyToken);
        var changed = await blog.Commands.ChangePostTitleAsync(new() { PostId = created.PostId, Title = "После" });
        Assert.Equal((created.PostId, 2), (changed.PostId, changed.Version));
        var after = await blog.GetAsync(created.PostId, changed.ConsistencyToken);
        Assert.True(after.UpdateTime.ToDateTimeOffset() >= before.UpdateTime.ToDateTimeOffset());
        Assert.Equal(new Post(before) { Title = "После", Version = 2, UpdateTime = after.UpdateTime }, after);
    }

    [Fact]
    public async Task EditPostContent_replaces_the_content()
    {
        var created = await blog.CreateAsync(content: "Before");
        var before = await blog.GetAsync(created.PostId, created.ConsistencyToken);
        var edited = await blog.Commands.EditPostContentAsync(new() { PostId = created.PostId, Content = "" });
        var after = await blog.GetAsync(created.PostId, edited.ConsistencyToken);
        Assert.Equal(new Post(before) { Content = "", Version = 2, UpdateTime = after.UpdateTime }, after);
    }

    [Fact]
    public async Task A_post_goes_through_its_life()
    {
        var id = (await blog.CreateAsync()).PostId;
        var published = await blog.GetAsync(id, await blog.PublishAsync(id));
        Assert.Equal((PostStatus.Published, 2, published.UpdateTime), (published.Status, published.Version, published.PublishTime));

        var unpublished = await blog.GetAsync(id, (await blog.Commands.UnpublishPostAsync(new() { PostId = id })).ConsistencyToken);
        Assert.Equal((PostStatus.Draft, 3, published.PublishTime), (unpublished.Status, unpublished.Version, unpublished.PublishTime));

        var again = await blog.GetAsync(id, await blog.PublishAsync(id));
        Assert.Equal((PostStatus.Published, 4, again.UpdateTime), (again.Status, again.Version, again.PublishTime));

        var archived = await blog.GetAsync(id, (await blog.Commands.ArchivePostAsync(new() { PostId = id })).ConsistencyToken);
        Assert.Equal((PostStatus.Archived, 5, again.PublishTime), (archived.Status, archived.Version, archived.PublishTime));

        var back = await blog.GetAsync(id, await blog.PublishAsync(id));
        Assert.Equal((PostStatus.Published, 6), (back.Status, back.Version));
    }

    [Fact]
    public async Task AddPostTags_and_RemovePostTags_change_the_tags()
    {
        var id = (await blog.CreateAsync(tags: ["b"])).PostId;
        var added = await blog.Commands.AddPostTagsAsync(new() { PostId = id, Tags = { "C#", " a ", "b" } });
        Assert.Equal(["a", "b", "c#"], (await blog.GetAsync(id, added.ConsistencyToken)).Tags);
        var removed = await blog.Commands.RemovePostTagsAsync(new() { PostId = id, Tags = { "B", "unknown" } });
        var after = await blog.GetAsync(id, removed.ConsistencyToken);
        Assert.Equal((3, "a c#"), (after.Version, string.Join(' ', after.Tags)));
    }

    [Fact]
    public async Task DeletePost_takes_the_post_from_every_answer_but_its_past()
    {
        var id = (await blog.CreateAsync("Vanishing", "Vanishing", "Vanisher", "vanishing")).PostId;
        var token = (await blog.Commands.DeletePostAsync(new() { PostId = id })).ConsistencyToken;

        (await Refusal.OfAsync(blog.Queries.GetPostAsync(new() { PostId = id, ConsistencyToken = token }))).Is(PostErrors.NotFound);
        (await Refusal.OfAsync(blog.Queries.GetPostAsync(new() { Slug = "vanishing", ConsistencyToken = token }))).Is(PostErrors.NotFound);
        Assert.Empty((await blog.Queries.ListPostsAsync(new() { Author = "Vanisher", ConsistencyToken = token })).Posts);
        Assert.Empty((await blog.Queries.SearchPostsAsync(new() { Query = "vanishing", ConsistencyToken = token })).Hits);
        Assert.Empty((await blog.Queries.ListTagsAsync(new() { Prefix = "vanishing", ConsistencyToken = token })).Tags);

        Assert.Equal(2, (await blog.HistoryAsync(id)).Count);
        Assert.Equal("Vanishing", (await blog.Queries.GetPostAsOfAsync(new() { PostId = id, Version = 1 })).Post.Title);
        Assert.Equal(PostStatus.Deleted, (await blog.Queries.GetPostAsOfAsync(new() { PostId = id, Version = 2 })).Post.Status);
    }

    [Fact]
    public async Task RestorePost_brings_back_an_earlier_version()
    {
        var id = (await blog.CreateAsync("First", "First content", tags: "one")).PostId;
        var first = await blog.GetAsync(id, await blog.PublishAsync(id));
        await blog.Commands.ChangePostTitleAsync(new() { PostId = id, Title = "Second" });
        await blog.Commands.EditPostContentAsync(new() { PostId = id, Content = "Second content" });
        await blog.Commands.AddPostTagsAsync(new() { PostId = id, Tags = { "two" } });
        await blog.Commands.ArchivePostAsync(new() { PostId = id });

        var kept = await blog.Commands.RestorePostAsync(new() { PostId = id, Version = 2, KeepStatus = true });
        Assert.Equal(9, kept.Version);
        var archived = await blog.GetAsync(id, kept.ConsistencyToken);
        Assert.Equal(new Post(first) { Status = PostStatus.Archived, Version = 9, UpdateTime = archived.UpdateTime }, archived);

        var restored = await blog.Commands.RestorePostAsync(new() { PostId = id, Version = 2 });
        Assert.Equal(10, restored.Version);
        var after = await blog.GetAsync(id, restored.ConsistencyToken);
        Assert.Equal(new Post(first) { Version = 10, UpdateTime = after.UpdateTime, PublishTime = after.PublishTime }, after);
        Assert.Equal("Second", (await blog.Queries.GetPostAsOfAsync(new() { PostId = id, Version = 6 })).Post.Title);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(1000)]
    public async Task RestorePost_to_a_version_that_the_post_does_not_have_is_refused(long version)
    {
        var id = (await blog.CreateAsync()).PostId;
        await blog.PublishAsync(id);
        var refusal = await Refusal.OfAsync(blog.Commands.RestorePostAsync(new() { PostId = id, Version = version }));
        refusal.Is(PostErrors.VersionOutOfRange, "version");
        Assert.Equal("2", refusal.Info.Metadata["current_version"]);
    }

    [Fact]
    public async Task A_command_that_changes_nothing_answers_the_current_version_and_appends_nothing()
    {
        var created = await blog.CreateAsync("Same", "Same", tags: "same");
        var id = created.PostId;
        var versions = new[]
        {
            (await blog.Commands.ChangePostTitleAsync(new() { PostId = id, Title = "Same" })).Version,
            (await blog.Commands.EditPostContentAsync(new() { PostId = id, Content = "Same" })).Version,
            (await blog.Commands.UnpublishPostAsync(new() { PostId = id })).Version,
            (await blog.Commands.AddPostTagsAsync(new() { PostId = id, Tags = { "SAME" } })).Version,
            (await blog.Commands.RemovePostTagsAsync(new() { PostId = id, Tags = { "other" } })).Version,
            (await blog.Commands.RestorePostAsync(new() { PostId = id, Version = 1, CommandId = PostCalls.NewId() })).Version,
        };
        Assert.All(versions, version => Assert.Equal(1, version));
        Assert.Single(await blog.HistoryAsync(id));
    }

    [Fact]
    public async Task Deleting_a_deleted_post_changes_nothing()
    {
        var id = await blog.CreateDeletedAsync();
        Assert.Equal(2, (await blog.Commands.DeletePostAsync(new() { PostId = id })).Version);
        Assert.Equal(2, (await blog.HistoryAsync(id)).Count);
    }
}
