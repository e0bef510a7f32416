using System.Text.Json;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Xunit;

namespace Blog.Tests.Domain;

/// <summary>A snapshot holds the whole state: a field that it lost would make a post another one once it is loaded from there.</summary>
public sealed class SnapshotTests
{
    [Fact]
    public void A_post_read_from_its_snapshot_is_the_same_in_every_property()
    {
        var snapshots = PostSnapshots.Create();
        var post = Post.Initial("0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11");
        PostEvent[] events =
        [
            new PostCreated("Title", "Content", "slug", "Author", ["b", "a"]), new PostTitleUpdated("Ж 題"), new PostContentEdited("x\n👋🏽"),
            new PostTagsAdded(["ä", "z"]), new PostTagsRemoved(["b"]), new PostPublished(), new PostUnpublished(), new PostPublished(),
            new PostArchived(), new PostDeleted(),
        ];
        foreach (var @event in events)
        {
            post = post.Apply(@event);
            Assert.Equal(Everything(post), Everything(snapshots.Read(post.Id, snapshots.Write(post))));
        }

        Assert.True(
            typeof(Post).GetProperties().Length == 10,
            "Post has gained or lost a property: keep it in PostSnapshots under a higher schema version, give it a value here, and correct this number.");
    }

    private static string Everything(Post post) => JsonSerializer.Serialize(post);
}
