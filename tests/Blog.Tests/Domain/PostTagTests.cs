using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Testing;
using Xunit;

namespace Blog.Tests.Domain;

public sealed class PostTagTests
{
    private static readonly string[] Twenty = [.. Enumerable.Range(1, 20).Select(number => $"tag-{number:00}")];

    private static AggregateSpec<Post, PostEvent> Untagged => PostSpec.NoPost.Given(new PostCreated("Title", "", "title", "Ada", []));

    [Theory]
    [InlineData("  Rust  ", "rust")]
    [InlineData("Async \t Rust", "async-rust")]
    [InlineData("C++", "c++")]
    [InlineData("c#", "c#")]
    [InlineData(".NET", null)]
    [InlineData("asp.net", "asp.net")]
    [InlineData("ЁЛКА", "ёлка")]
    [InlineData("標籤", "標籤")]
    [InlineData("cafe\u0301", "cafe\u0301")]
    [InlineData("", null)]
    [InlineData("   ", null)]
    [InlineData("-rust", null)]
    [InlineData("#rust", null)]
    [InlineData("a_b", null)]
    [InlineData("a,b", null)]
    [InlineData("🦀", null)]
    [InlineData("a\0b", null)]
    public void A_tag_is_normalised_or_refused(string tag, string? normalised)
    {
        var outcome = Untagged.When(post => post.AddTags([tag]));
        if (normalised is null)
        {
            outcome.ThenRejected(EngineErrors.InvalidFields, "tags[0]");
        }
        else
        {
            outcome.Then(new PostTagsAdded([normalised]));
        }
    }

    [Fact]
    public void The_length_of_a_tag_is_counted_in_code_points()
    {
        // A letter outside the basic plane: two UTF-16 units.
        var fifty = string.Concat(Enumerable.Repeat("𠀀", 50));
        Untagged.When(post => post.AddTags([fifty])).Then(new PostTagsAdded([fifty]));
        Untagged.When(post => post.AddTags([fifty + "x"])).ThenRejected(EngineErrors.InvalidFields, "tags[0]");
        Untagged.When(post => post.AddTags([new string('x', 51)])).ThenRejected(EngineErrors.InvalidFields, "tags[0]");
    }

    [Fact]
    public void Tags_that_are_the_same_when_normalised_count_once() =>
        Untagged.When(post => post.AddTags(["Rust", "rust ", "RUST"])).Then(new PostTagsAdded(["rust"]));

    [Fact]
    public void Only_tags_that_are_new_are_added_and_in_order() =>
        PostSpec.Draft.When(post => post.AddTags(["rust", "GRPC", "async"])).Then(new PostTagsAdded(["async", "rust"]));

    [Fact]
    public void Only_tags_that_are_there_are_removed() =>
        PostSpec.Draft.When(post => post.RemoveTags(["rust", "GRPC"])).Then(new PostTagsRemoved(["grpc"]));

    [Fact]
    public void The_malformed_tag_is_named_by_its_place() =>
        PostSpec.Draft.When(post => post.AddTags(["rust", "not ok!"])).ThenRejected(EngineErrors.InvalidFields, "tags[1]");

    [Fact]
    public void A_post_has_at_most_20_tags()
    {
        Untagged.When(post => post.AddTags(Twenty)).Then(new PostTagsAdded(Twenty));
        PostSpec.NoPost.When(post => post.Create("Title", "", "title", "Ada", Twenty)).Then(new PostCreated("Title", "", "title", "Ada", Twenty));
        PostSpec.NoPost.When(post => post.Create("Title", "", "title", "Ada", [.. Twenty, "one-more"])).ThenRejected(PostErrors.TooManyTags);

        var full = Untagged.Given(new PostTagsAdded(Twenty));
        full.When(post => post.AddTags(["one-more"])).ThenRejected(PostErrors.TooManyTags);
        full.When(post => post.AddTags(Twenty)).ThenNothing();
        full.Given(new PostTagsRemoved(["tag-07"])).When(post => post.AddTags(["one-more"])).Then(new PostTagsAdded(["one-more"]));
    }
}
