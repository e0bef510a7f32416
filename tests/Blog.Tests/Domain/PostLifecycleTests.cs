using System.Text;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Blog.Tests.Repository;
using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Domain;

public sealed class PostLifecycleTests
{
    private static readonly PostStatus[] Statuses = Enum.GetValues<PostStatus>();

    /// <summary>
    /// Every command in every status: the events that follow, the refusal, or nothing. The last column shows the command on a post that it
    /// changes, after the commands that lead there. Read what a change does to the file before you approve it.
    /// </summary>
    [Fact]
    public void Every_command_in_every_status_does_what_the_approved_table_says()
    {
        var table = new StringBuilder("# What each command does to a post in each status\n\n");
        table.Append("| Command | ").AppendJoin(" | ", Statuses).Append(" | A post that it changes |\n|").AppendJoin('|', Statuses.Select(_ => "---").Append("---").Append("---")).Append("|\n");
        foreach (var command in PostCommands.OnAPost.Prepend(nameof(CreatePost)))
        {
            table.Append("| ").Append(command).Append(" | ").AppendJoin(" | ", Statuses.Select(status => OutcomeOf(PostSpec.In(status).State, command)))
                .Append(" | ").Append(ChangeOf(command)).Append(" |\n");
        }

        Approval.Verify(Checkout.PathOf("tests/Blog.Tests/Approved/PostLifecycle.md"), table.ToString());
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

    private static string OutcomeOf(Post post, string command)
    {
        try
        {
            var events = PostCommands.Decide(command, post, PostSpec.Draft.State, PostCommands.Text, "grpc", "rust");
            return events.Count == 0 ? "nothing" : string.Join(", ", events.Select(@event => @event.GetType().Name));
        }
        catch (RejectedException refusal)
        {
            return refusal.Code.Reason;
        }
    }

    private static string ChangeOf(string command)
    {
        if (command == nameof(CreatePost))
        {
            return "";
        }

        var past = PostPast.Create("Title", "Content", []);
        var before = PostCommands.Before(command);
        foreach (var each in before)
        {
            past.Do(each, past.States[1], PostCommands.Text, PostCommands.Tag);
        }

        var change = past.Do(command, past.States[1], PostCommands.Text, PostCommands.Tag);
        return $"{(before.Count == 0 ? "new" : "after " + string.Join(", ", before))}: {change[0].GetType().Name}";
    }
}
