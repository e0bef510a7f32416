using Blog.Application.Posts;
using Blog.Domain.Posts;
using Blog.Tests.Repository;
using GrpcCqrs.Testing;
using Xunit;

namespace Blog.Tests.Domain;

/// <summary>
/// A snapshot holds the whole state: a field that it lost would make a post another one once it is loaded from there. Its schema version
/// is raised in PostSnapshots.cs whenever it or <c>Post.Apply</c> changes.
/// </summary>
public sealed class SnapshotTests
{
    [Fact]
    public void A_snapshot_holds_every_property_and_has_a_version_of_its_own_for_each_shape_and_fold() => SnapshotContract.Verify<Post, PostEvent>(
        PostSnapshots.Create(),
        [
            new PostCreated("Title", "Content", "slug", "Author", ["b", "a"]), new PostTitleUpdated("Ж 題"), new PostContentEdited("x\n👋🏽"),
            new PostTagsAdded(["ä", "z"]), new PostTagsRemoved(["b"]), new PostPublished(), new PostUnpublished(), new PostPublished(),
            new PostArchived(), new PostDeleted(),
        ],
        Checkout.PathOf("tests/Blog.Tests/Golden/Snapshots"));
}
