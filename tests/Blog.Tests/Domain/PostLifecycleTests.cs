using Blog.Domain.Posts;
using Xunit;

namespace Blog.Tests.Domain;

public sealed class PostLifecycleTests
{
    private const string Nothing = "nothing";

    private static readonly PostStatus[] Statuses =
        [PostStatus.None, PostStatus.Draft, PostStatus.Published, PostStatus.Archived, PostStatus.Deleted];

    /// <summary>Every decision against every status: the event that follows, the refusal, or nothing.</summary>
    private static readonly (string Decision, string[] Outcomes)[] Table =
    [
        ("create",  [nameof(PostCreated), "POST_EXISTS", "POST_EXISTS", "POST_EXISTS", "POST_EXISTS"]),
        ("retitle", ["POST_NOT_FOUND", nameof(PostTitleUpdated), nameof(PostTitleUpdated), nameof(PostTitleUpdated), "POST_DELETED"]),
        ("edit",    ["POST_NOT_FOUND", nameof(PostContentEdited), nameof(PostContentEdited), nameof(PostContentEdited), "POST_DELETED"]),
        ("publish", ["POST_NOT_FOUND", nameof(PostPublished), Nothing, nameof(PostPublished), "POST_DELETED"]),
        ("unpublish", ["POST_NOT_FOUND", Nothing, nameof(PostUnpublished), "POST_NOT_PUBLISHED", "POST_DELETED"]),
        ("archive", ["POST_NOT_FOUND", "POST_NOT_PUBLISHED", nameof(PostArchived), Nothing, "POST_DELETED"]),
        ("tag",     ["POST_NOT_FOUND", nameof(PostTagsAdded), nameof(PostTagsAdded), nameof(PostTagsAdded), "POST_DELETED"]),
        ("untag",   ["POST_NOT_FOUND", nameof(PostTagsRemoved), nameof(PostTagsRemoved), nameof(PostTagsRemoved), "POST_DELETED"]),
        ("delete",  ["POST_NOT_FOUND", nameof(PostDeleted), nameof(PostDeleted), nameof(PostDeleted), Nothing]),
        ("restore", ["POST_NOT_FOUND", Nothing, nameof(PostUnpublished), nameof(PostUnpublished), "POST_DELETED"]),
    ];

    public static TheoryData<string, PostStatus, string> Cells()
    {
        var cells = new TheoryData<string, PostStatus, string>();
        foreach (var (decision, outcomes) in Table)
        {
            for (var index = 0; index < Statuses.Length; index++)
            {
                cells.Add(decision, Statuses[index], outcomes[index]);
            }
        }

        return cells;
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void Every_decision_in_every_status_does_what_the_table_says(string decision, PostStatus status, string expected)
    {
        var outcome = PostSpec.In(status).When(post => Decide(post, decision));
        if (expected == Nothing)
        {
            outcome.ThenNothing();
        }
        else if (PostErrors.All.SingleOrDefault(code => code.Reason == expected) is { } code)
        {
            outcome.ThenRejected(code);
        }
        else
        {
            Assert.Equal(expected, Assert.Single(outcome.Events).GetType().Name);
        }
    }

    [Fact]
    public void A_created_post_is_a_draft_with_what_was_given()
    {
        var state = PostSpec.NoPost
            .When(post => post.Create("Title", "Content", "title", "Ada", ["grpc", "csharp"]))
            .Then(PostSpec.Created)
            .State;
        Assert.Equal((PostStatus.Draft, "Title", "Content", "title", "Ada"), (state.Status, state.Title, state.Content, state.Slug, state.Author));
        Assert.Equal(["csharp", "grpc"], state.Tags);
    }

    [Theory]
    [InlineData(PostStatus.Draft)]
    [InlineData(PostStatus.Published)]
    [InlineData(PostStatus.Archived)]
    public void A_live_post_holds_its_slug_alone(PostStatus status) =>
        Assert.Equal([(Post.SlugScope, "title")], PostSpec.In(status).State.UniqueKeys.Select(key => (key.Scope, key.Value)));

    [Theory]
    [InlineData(PostStatus.None)]
    [InlineData(PostStatus.Deleted)]
    public void A_post_that_is_not_live_holds_no_slug(PostStatus status) => Assert.Empty(PostSpec.In(status).State.UniqueKeys);

    [Fact]
    public void A_change_to_what_is_already_so_appends_nothing()
    {
        PostSpec.Draft.When(post => post.ChangeTitle("Title")).ThenNothing();
        PostSpec.Draft.When(post => post.EditContent("Content")).ThenNothing();
        PostSpec.Draft.When(post => post.AddTags(["grpc"])).ThenNothing();
        PostSpec.Draft.When(post => post.AddTags([])).ThenNothing();
        PostSpec.Draft.When(post => post.RemoveTags(["rust"])).ThenNothing();
    }

    [Fact]
    public void A_title_that_differs_in_case_or_form_only_is_another_title()
    {
        PostSpec.Draft.When(post => post.ChangeTitle("title")).Then(new PostTitleUpdated("title"));

        // Precomposed and decomposed.
        PostSpec.Draft.Given(new PostTitleUpdated("caf\u00E9")).When(post => post.ChangeTitle("cafe\u0301")).Then(new PostTitleUpdated("cafe\u0301"));
    }

    [Fact]
    public void A_post_is_archived_and_unarchived_through_publishing()
    {
        PostSpec.In(PostStatus.Archived).When(post => post.Publish()).Then(new PostPublished());
        var again = PostSpec.In(PostStatus.Archived).Given(new PostPublished());
        Assert.Equal(PostStatus.Published, again.State.Status);
        again.When(post => post.Unpublish()).Then(new PostUnpublished());
    }

    private static IReadOnlyList<PostEvent> Decide(Post post, string decision) => decision switch
    {
        "create" => post.Create("Title", "Content", "title", "Ada", []),
        "retitle" => post.ChangeTitle("Another title"),
        "edit" => post.EditContent("Another content"),
        "publish" => post.Publish(),
        "unpublish" => post.Unpublish(),
        "archive" => post.Archive(),
        "tag" => post.AddTags(["rust"]),
        "untag" => post.RemoveTags(["grpc"]),
        "delete" => post.Delete(),
        "restore" => post.RestoreTo(PostSpec.Draft.State, keepStatus: false),
        _ => throw new ArgumentOutOfRangeException(nameof(decision), decision, null),
    };
}
