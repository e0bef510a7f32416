using System.Text;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using FsCheck;
using FsCheck.Fluent;
using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Domain;

/// <summary>What holds for any sequence of commands. A new command is among them by itself.</summary>
public sealed class PostProperties
{
    /// <summary>How long a generated sequence is at most; long enough to run through the life of a post several times.</summary>
    private const int MaxSteps = 40;

    private static readonly Config Settings = Config.QuickThrowOnFailure.WithMaxTest(300);

    private static readonly Gen<string> Texts = Gen.Elements("Title", "Another", "Третий", "四", "x");
    private static readonly Gen<string[]> Tags = Gen.Elements("rust", "grpc", "C#", "async io", "событие").ArrayOf().Resize(4).Where(tags => tags.Length > 0);

    /// <summary>Commands with arguments, so that a failing sequence prints readably; deletion is rare, since it ends all.</summary>
    private static readonly Gen<Step> Steps =
        from command in Gen.Frequency((70, Gen.Elements(PostCommands.OnALivePost.ToArray())), (1, Gen.Constant(nameof(DeletePost))))
        from text in Texts
        from tags in Tags
        select new Step(command, text, tags);

    private static readonly Arbitrary<Step[]> Sequences =
        Gen.Choose(0, MaxSteps).SelectMany(count => Steps.ArrayOf(count)).ToArbitrary();

    [Fact]
    public void The_state_after_accepted_decisions_is_the_fold_of_their_events() =>
        Check.One(Settings, Prop.ForAll(Sequences, steps =>
        {
            var past = Run(steps);
            Assert.Equal(Whole(Post.Initial(PostSpec.Id).Fold(past.Events)), Whole(past.Now));
            Assert.Equal(past.Events.Count, past.States.Count - 1);
        }));

    [Fact]
    public void Every_event_changes_the_state() =>
        Check.One(Settings, Prop.ForAll(Sequences, steps =>
        {
            var past = Run(steps);
            for (var version = 1; version < past.States.Count; version++)
            {
                Assert.True(
                    Whole(past.States[version - 1]) != Whole(past.States[version]),
                    $"A post was {Whole(past.States[version])} before and after a {past.Events[version - 1].GetType().Name}: a decision that would change nothing returns no event.");
            }
        }));

    [Fact]
    public void Restoring_any_earlier_version_brings_back_everything() =>
        Check.One(Settings, Prop.ForAll(Sequences, steps =>
        {
            var past = Run(steps);
            var now = past.Now;
            foreach (var earlier in past.States.Skip(1).Where(_ => now.Status != PostStatus.Deleted))
            {
                var restored = now.Fold(now.RestoreTo(earlier, keepStatus: false));
                AssertRestored(earlier, restored);
                Assert.Empty(restored.RestoreTo(earlier, keepStatus: false));
                AssertRestored(earlier with { Status = now.Status }, now.Fold(now.RestoreTo(earlier, keepStatus: true)));
            }
        }));

    [Fact]
    public void A_command_sent_twice_changes_nothing_the_second_time() =>
        Check.One(Settings, Prop.ForAll(Sequences, Steps.ToArbitrary(), (steps, step) =>
        {
            var past = Run(steps);
            var earlier = EarlierOf(past, step);
            var first = past.Do(step.Command, earlier, step.Text, step.Tags);
            var second = past.Do(step.Command, earlier, step.Text, step.Tags);
            Assert.True(second.Count == 0, $"{step} appends {first.Count} events, and sent again {second.Count} more: it must return none where nothing would change.");
        }));

    /// <summary>The whole state, as a snapshot holds it.</summary>
    private static string Whole(Post post) => Encoding.UTF8.GetString(PostSnapshots.Create().Write(post));

    private static void AssertRestored(Post earlier, Post restored) => Assert.True(
        Whole(earlier) == Whole(restored), $"RestoreTo makes a post {Whole(restored)} that was {Whole(earlier)}: have Post.RestoreTo append what brings back the rest.");

    private static PostPast Run(IEnumerable<Step> steps)
    {
        var past = PostPast.Create("Title", "Content", ["grpc"]);
        foreach (var step in steps)
        {
            past.Do(step.Command, EarlierOf(past, step), step.Text, step.Tags);
        }

        return past;
    }

    private static Post EarlierOf(PostPast past, Step step) => past.States[1 + (step.Text.Length % (past.States.Count - 1))];

    private sealed record Step(string Command, string Text, string[] Tags)
    {
        public override string ToString() => $"{Command} {Text} {string.Join(',', Tags)}";
    }
}
