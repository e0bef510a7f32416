using Blog.Application.Posts;
using Blog.Domain.Posts;
using Blog.Tests.Repository;
using GrpcCqrs.Testing;
using Xunit;

namespace Blog.Tests.Domain;

/// <summary>
/// A snapshot holds the whole state: a field that it lost would make a post another one once it is loaded from there. <c>Post.StateVersion</c>
/// is raised whenever the state or <c>Post.Apply</c> changes; GRPCCQRS_APPROVE=1 then writes the golden file.
/// </summary>
public sealed class SnapshotTests
{
    [Fact]
    public void A_snapshot_holds_every_property_and_has_a_version_of_its_own_for_each_shape_and_fold() => SnapshotContract.Verify<Post, PostEvent>(
        PostSnapshots.Create(), PostCommands.Life(), Checkout.PathOf("tests/Blog.Tests/Golden/Snapshots"));

    [Fact]
    public void A_snapshot_compares_tags_as_the_domain_does()
    {
        var post = PostSpec.Draft.Given(new PostTagsAdded(["ä", "z", "a\u0308"])).State;
        var read = PostSnapshots.Create().Read(post.Id, PostSnapshots.Create().Write(post));
        Assert.Equal(post.Tags, read.Tags);
        Assert.Same(post.Tags.KeyComparer, read.Tags.KeyComparer);
    }
}
