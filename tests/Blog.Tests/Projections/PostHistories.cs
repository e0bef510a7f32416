using System.Diagnostics;
using Blog.Domain.Posts;
using FsCheck;
using FsCheck.Fluent;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Testing;

namespace Blog.Tests.Projections;

/// <summary>Legal histories of a few posts: whatever the aggregate decides on commands in any order.</summary>
internal static class PostHistories
{
    private const int MaxPosts = 4;
    private const int MaxSteps = 50;

    private static readonly Gen<string> Texts = Gen.Elements("Title", "Another title", "Третий", "四 words\u0001here", "x", "");
    private static readonly Gen<string[]> Tags = Gen.Elements("rust", "grpc", "C#", "async io", "событие").ArrayOf().Resize(4);

    /// <summary>Steps by name and argument, so that a failing history prints readably.</summary>
    private static readonly Gen<PostStep> Steps =
        from post in Gen.Choose(0, MaxPosts - 1)
        from name in Gen.Frequency(
            (6, Gen.Elements("edit", "retitle", "tag", "untag", "publish", "unpublish", "archive", "restore")), (1, Gen.Constant("delete")))
        from text in Texts
        from tags in Tags
        select new PostStep(post, name, text, tags);

    public static EventTypeRegistry Types { get; } = EventTypeRegistry.Of<PostEvent>(PostEventsJson.Default);

    public static Arbitrary<PostStep[]> Arbitrary { get; } =
        Gen.Choose(1, MaxSteps).SelectMany(count => Steps.ArrayOf(count)).ToArbitrary();

    /// <summary>A history with every event there is; a step for a new one belongs here, and its name among the random steps.</summary>
    public static ProjectionHistory Complete { get; } = Run(
    [
        new(0, "tag", "", ["rust", "grpc"]), new(0, "tag", "", ["C#"]), new(0, "edit", "Another content", []), new(0, "retitle", "Another title", []), new(0, "untag", "", ["grpc"]),
        new(0, "publish", "", []), new(0, "unpublish", "", []), new(1, "publish", "", ["x"]), new(1, "archive", "", []), new(2, "delete", "", []),
        new(3, "publish", "", []),
    ]);

    public static ProjectionHistory Run(IEnumerable<PostStep> steps)
    {
        var states = new Dictionary<int, List<Post>>();
        var events = new List<(StreamId, object)>();
        foreach (var step in steps)
        {
            if (!states.TryGetValue(step.Post, out var past))
            {
                states.Add(step.Post, past = [Post.Initial($"0199b6f0-0000-7000-8000-{step.Post:D12}")]);
                Decide(past, post => post.Create("Title", step.Text, $"slug-{step.Post}", step.Post % 2 == 0 ? "Ada" : "Grace", step.Tags));
            }

            Decide(past, post => step.Name switch
            {
                "retitle" => post.ChangeTitle(step.Text),
                "edit" => post.EditContent(step.Text),
                "tag" => post.AddTags(step.Tags),
                "untag" => post.RemoveTags(step.Tags),
                "publish" => post.Publish(),
                "unpublish" => post.Unpublish(),
                "archive" => post.Archive(),
                "delete" => post.Delete(),
                "restore" => post.RestoreTo(past[1 + (step.Text.Length % (past.Count - 1))], keepStatus: false),
                _ => throw new UnreachableException($"PostHistories.Run has no decision for the step {step.Name}: add one."),
            });
        }

        return ProjectionHistory.Of(Types, events);

        void Decide(List<Post> past, Func<Post, IReadOnlyList<PostEvent>> decide)
        {
            try
            {
                foreach (var @event in decide(past[^1]))
                {
                    past.Add(past[^1].Apply(@event));
                    events.Add((StreamId.For<Post, PostEvent>(past[0].Id), @event));
                }
            }
            catch (RejectedException)
            {
                // A refused command leaves nothing in a history.
            }
        }
    }
}

/// <summary>A command to one of the posts, which is created when it is first named.</summary>
internal sealed record PostStep(int Post, string Name, string Text, string[] Tags)
{
    public override string ToString() => $"{Post} {Name} {Text} {string.Join(',', Tags)}";
}
