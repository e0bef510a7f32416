using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Testing;
using Xunit;

namespace Blog.Tests.Domain;

/// <summary>That the given/when/then kit itself fails where it should, and says why.</summary>
public sealed class SpecTests
{
    [Fact]
    public void Events_with_equal_lists_are_equal() =>
        PostSpec.NoPost.When(_ => [new PostTagsAdded(new List<string> { "a", "b" })]).Then(new PostTagsAdded(["a", "b"]));

    [Fact]
    public void Other_events_fail_with_both_sides_shown()
    {
        var message = FailureOf(() => PostSpec.NoPost
            .When(_ => [new PostPublished(), new PostTagsAdded(["a", "ж"])])
            .Then(new PostPublished(), new PostTagsAdded(["a", "b"]), new PostArchived()));
        Assert.Equal(
            """
            Expected 3 events, got 2 events (- expected, + got):
              PostPublished {}
            - PostTagsAdded {"Tags":["a","b"]}
            + PostTagsAdded {"Tags":["a","ж"]}
            - PostArchived {}

            """.ReplaceLineEndings(),
            message);
    }

    [Fact]
    public void Events_in_another_order_or_of_another_type_fail()
    {
        FailureOf(() => PostSpec.NoPost.When(_ => [new PostPublished(), new PostArchived()]).Then(new PostArchived(), new PostPublished()));
        FailureOf(() => PostSpec.NoPost.When(_ => [new PostTagsAdded(["a"])]).Then(new PostTagsRemoved(["a"])));
        FailureOf(() => PostSpec.NoPost.When(_ => [new PostPublished()]).ThenNothing());
        FailureOf(() => PostSpec.NoPost.When(_ => []).Then(new PostPublished()));
    }

    [Fact]
    public void A_long_text_is_shown_around_the_difference()
    {
        var text = new string('x', 100_000);
        var message = FailureOf(() => PostSpec.NoPost.When(_ => [new PostContentEdited(text + "RIGHT" + text)]).Then(new PostContentEdited(text + "LEFT" + text)));
        Assert.InRange(message.Length, 1, 1_500);
        Assert.Contains("xLEFTx", message, StringComparison.Ordinal);
        Assert.Contains("xRIGHTx", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_where_events_were_expected_fails_with_its_reason() =>
        Assert.Contains("POST_NOT_FOUND", FailureOf(() => PostSpec.NoPost.When(post => post.Publish()).Then(new PostPublished())), StringComparison.Ordinal);

    [Fact]
    public void Another_refusal_or_none_fails()
    {
        FailureOf(() => PostSpec.NoPost.When(post => post.Publish()).ThenRejected(PostErrors.Deleted));
        FailureOf(() => PostSpec.Draft.When(post => post.Publish()).ThenRejected(PostErrors.Deleted));
        FailureOf(() => PostSpec.Draft.When(post => post.Publish()).ThenRejected(PostErrors.Deleted, "title"));
        FailureOf(() => PostSpec.Draft.When(post => post.ChangeTitle("")).ThenRejected(EngineErrors.InvalidFields, "content"));
    }

    [Fact]
    public void An_exception_that_is_no_refusal_goes_through() =>
        Assert.Throws<InvalidOperationException>(() => PostSpec.Draft.When(_ => throw new InvalidOperationException()));

    private static string FailureOf(Action spec) => Assert.Throws<SpecFailedException>(spec).Message;
}
