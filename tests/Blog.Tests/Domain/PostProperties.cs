using Blog.Domain.Posts;
using FsCheck;
using FsCheck.Fluent;
using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Domain;

/// <summary>What holds for any sequence of decisions.</summary>
public sealed class PostProperties
{
    /// <summary>How long a generated sequence is at most; long enough to run through the life of a post several times.</summary>
    private const int MaxSteps = 40;

    private static readonly Config Settings = Config.QuickThrowOnFailure.WithMaxTest(300);

    private static readonly Gen<string> Texts = Gen.Elements("Title", "Another", "Третий", "四", "x");
    private static readonly Gen<string[]> Tags = Gen.Elements("rust", "grpc", "C#", "async io", "событие").ArrayOf().Resize(4).Where(tags => tags.Length > 0);

    /// <summary>Decisions by name and argument, so that a failing sequence prints readably; deletion is rare, since it ends all.</summary>
    private static readonly Gen<Step> Steps = Gen.OneOf(
        Texts.Select(text => new Step("retitle", text, [])),
        Texts.Select(text => new Step("edit", text, [])),
        Tags.Select(tags => new Step("tag", "", tags)),
        Tags.Select(tags => new Step("untag", "", tags)),
        Gen.Elements("publish", "unpublish", "archive").Select(name => new Step(name, "", [])),
        Gen.Elements("restore").Zip(Texts, (name, text) => new Step(name, text, [])),
        Gen.Frequency((9, Gen.Constant("publish")), (1, Gen.Constant("delete"))).Select(name => new Step(name, "", [])));

    private static readonly Arbitrary<Step[]> Sequences =
        Gen.Choose(0, MaxSteps).SelectMany(count => Steps.ArrayOf(count)).ToArbitrary();

    [Fact]
    public void The_state_after_accepted_decisions_is_the_fold_of_their_events() =>
        Check.One(Settings, Prop.ForAll(Sequences, steps =>
        {
            var (events, states) = Run(steps);
            var folded = Post.Initial(PostSpec.Id).Fold(events);
            Assert.Equal(Visible(folded), Visible(states[^1]));
            Assert.Equal(events.Count, states.Count);
        }));

    [Fact]
    public void Restoring_any_earlier_version_brings_back_title_content_tags_and_status() =>
        Check.One(Settings, Prop.ForAll(Sequences, steps =>
        {
            var (_, states) = Run(steps);
            var now = states[^1];
            foreach (var earlier in states.Where(_ => now.Status != PostStatus.Deleted))
            {
                var restored = now.Fold(now.RestoreTo(earlier, keepStatus: false));
                Assert.Equal(Visible(earlier), Visible(restored));
                Assert.Empty(restored.RestoreTo(earlier, keepStatus: false));

                var kept = now.Fold(now.RestoreTo(earlier, keepStatus: true));
                Assert.Equal(Visible(earlier with { Status = now.Status }), Visible(kept));
            }
        }));

    [Fact]
    public void A_decision_taken_twice_changes_nothing_the_second_time() =>
        Check.One(Settings, Prop.ForAll(Sequences, Steps.ToArbitrary(), (steps, step) =>
        {
            var (_, states) = Run(steps);
            var decided = Try(states[^1], step, states);
            var after = states[^1].Fold(decided ?? []);
            Assert.True(decided is null || Try(after, step, states) is { Count: 0 } || after.Status == PostStatus.Deleted);
        }));

    /// <summary>All events and the state behind each of them, from version 1.</summary>
    private static (List<PostEvent> Events, List<Post> States) Run(IEnumerable<Step> steps)
    {
        var events = new List<PostEvent>();
        var states = new List<Post>();
        Append(Post.Initial(PostSpec.Id).Create("Title", "Content", "title", "Ada", ["grpc"]));
        foreach (var step in steps)
        {
            Append(Try(states[^1], step, states) ?? []);
        }

        return (events, states);

        void Append(IEnumerable<PostEvent> decided)
        {
            foreach (var @event in decided)
            {
                states.Add((states.Count == 0 ? Post.Initial(PostSpec.Id) : states[^1]).Apply(@event));
                events.Add(@event);
            }
        }
    }

    /// <summary>The events of a decision; null where it is refused.</summary>
    private static IReadOnlyList<PostEvent>? Try(Post post, Step step, IReadOnlyList<Post> states)
    {
        try
        {
            return step.Name switch
            {
                "retitle" => post.ChangeTitle(step.Text),
                "edit" => post.EditContent(step.Text),
                "tag" => post.AddTags(step.Tags),
                "untag" => post.RemoveTags(step.Tags),
                "publish" => post.Publish(),
                "unpublish" => post.Unpublish(),
                "archive" => post.Archive(),
                "delete" => post.Delete(),
                _ => post.RestoreTo(states[step.Text.Length % states.Count], keepStatus: false),
            };
        }
        catch (RejectedException)
        {
            return null;
        }
    }

    private static (PostStatus, string, string, string) Visible(Post post) =>
        (post.Status, post.Title, post.Content, string.Join(' ', post.Tags));

    private sealed record Step(string Name, string Text, string[] Tags)
    {
        public override string ToString() => $"{Name} {Text}{string.Join(',', Tags)}";
    }
}
