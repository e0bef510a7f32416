using Blog.Application.Posts;
using Blog.Domain.Posts;
using Blog.Tests.Domain;
using FsCheck;
using FsCheck.Fluent;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Testing;

namespace Blog.Tests.Projections;

/// <summary>Legal histories of a few posts: whatever the aggregate decides on commands in any order. A new command is among them by itself.</summary>
internal static class PostHistories
{
    private const int MaxPosts = 4;
    private const int MaxSteps = 50;

    private static readonly Gen<string> Texts = Gen.Elements("Title", "Another title", "Третий", "四 words\u0001here", "x", "");
    private static readonly Gen<string[]> Tags = Gen.Elements("rust", "grpc", "C#", "async io", "событие").ArrayOf().Resize(4);

    /// <summary>Commands with arguments, so that a failing history prints readably.</summary>
    private static readonly Gen<PostStep> Steps =
        from post in Gen.Choose(0, MaxPosts - 1)
        from command in Gen.Frequency((6, Gen.Elements(PostCommands.OnALivePost.ToArray())), (1, Gen.Constant(nameof(DeletePost))))
        from text in Texts
        from tags in Tags
        select new PostStep(post, command, text, tags);

    /// <summary>The file to edit where no history has something.</summary>
    public const string File = "tests/Blog.Tests/Projections/PostHistories.cs";

    public static EventTypeRegistry Types { get; } = EventTypeRegistry.Of<PostEvent>(PostEventsJson.Default);

    public static Arbitrary<PostStep[]> Arbitrary { get; } =
        Gen.Choose(1, MaxSteps).SelectMany(count => Steps.ArrayOf(count)).ToArbitrary();

    /// <summary>
    /// A history with every event that commands lead to: for each command a post that it was the last to change, and one that all did. An
    /// event that needs more gets steps of its own here, for another post.
    /// </summary>
    public static ProjectionHistory Complete { get; } = Run(
    [
        .. PostCommands.OnAPost.SelectMany((command, post) =>
            PostCommands.Before(command).Append(command).Select(each => new PostStep(post, each, PostCommands.Text, [PostCommands.Tag]))),
        .. PostCommands.OnAPost.Select(command => new PostStep(PostCommands.OnAPost.Count, command, "Third text", ["rust", "C#"])),
    ],
    isCreatedBare: true);

    /// <summary>The history that commands make.</summary>
    /// <param name="steps">The commands.</param>
    /// <param name="isCreatedBare">Whether posts are created with none of what commands give them, as <see cref="PostCommands.Before"/> expects them.</param>
    public static ProjectionHistory Run(IEnumerable<PostStep> steps, bool isCreatedBare = false)
    {
        var posts = new Dictionary<int, PostPast>();
        var events = new List<(StreamId, object)>();
        foreach (var step in steps)
        {
            if (!posts.TryGetValue(step.Post, out var past))
            {
                var (content, tags) = isCreatedBare ? ("Content", []) : (step.Text, step.Tags);
                past = PostPast.Create(
                    "Title", content, tags, $"0199b6f0-0000-7000-8000-{step.Post:D12}", $"slug-{step.Post}", step.Post % 2 == 0 ? "Ada" : "Grace");
                posts.Add(step.Post, past);
                events.AddRange(past.Events.Select(@event => (StreamId.For<Post, PostEvent>(past.Now.Id), (object)@event)));
            }

            var earlier = past.States[1 + (step.Text.Length % (past.States.Count - 1))];
            events.AddRange(past.Do(step.Command, earlier, step.Text, step.Tags).Select(@event => (StreamId.For<Post, PostEvent>(past.Now.Id), (object)@event)));
        }

        return ProjectionHistory.Of(Types, events);
    }
}

/// <summary>A command to one of the posts, which is created when it is first named.</summary>
internal sealed record PostStep(int Post, string Command, string Text, string[] Tags)
{
    public override string ToString() => $"{Post} {Command} {Text} {string.Join(',', Tags)}";
}
