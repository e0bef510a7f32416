using System.Reflection;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Tests.Domain;

/// <summary>
/// Every command, for what must hold for all of them. Those that are decisions of a post are found by their interface and get arguments by
/// the types of their parameters, so that a new one is among them by itself.
/// </summary>
internal static class PostCommands
{
    /// <summary>The text and the tag that commands are given where nothing else is said.</summary>
    public const string Text = "Another text";

    public const string Tag = "grpc";

    /// <summary>How many commands are tried before one, to reach a post that it changes.</summary>
    private const int MaxBefore = 2;

    private static readonly Dictionary<string, ConstructorInfo> Decisions = typeof(CreatePost).Assembly.GetTypes()
        .Where(type => type.IsAssignableTo(typeof(IDecision<Post, PostEvent>)))
        .ToDictionary(type => type.Name, type => type.GetConstructors().Single(), StringComparer.Ordinal);

    /// <summary>All but CreatePost.</summary>
    public static IReadOnlyList<string> OnAPost { get; } = [.. Decisions.Keys.Append(nameof(RestorePost)).Order(StringComparer.Ordinal)];

    /// <summary>All of these but DeletePost, after which there is nothing more to do.</summary>
    public static IReadOnlyList<string> OnALivePost { get; } = [.. OnAPost.Where(command => command != nameof(DeletePost))];

    /// <summary>What a command decides.</summary>
    /// <param name="command">Its name.</param>
    /// <param name="post">The post.</param>
    /// <param name="earlier">What RestorePost goes back to.</param>
    /// <param name="text">The value of each text.</param>
    /// <param name="tags">The value of each list.</param>
    public static IReadOnlyList<PostEvent> Decide(string command, Post post, Post earlier, string text = Text, params string[] tags) => command switch
    {
        nameof(CreatePost) => post.Create(text, text, "slug", "Ada", tags),
        nameof(RestorePost) => post.RestoreTo(earlier, keepStatus: false),
        _ => Decisions.TryGetValue(command, out var constructor)
            ? ((IDecision<Post, PostEvent>)constructor.Invoke([.. constructor.GetParameters().Select(parameter => ValueOf(parameter, post.Id, text, tags))])).Decide(post)
            : throw new InvalidOperationException($"{command} is no decision of a post: have PostCommands.Decide carry it out, and OnAPost name it."),
    };

    /// <summary>The commands to be sent to a new post, so that this one then changes it by exactly one event.</summary>
    public static IReadOnlyList<string> Before(string command)
    {
        foreach (var before in Sequences(OnALivePost, MaxBefore))
        {
            var past = PostPast.Create("Title", "Content", []);
            if (Array.TrueForAll(before, each => past.Do(each, past.States[1], Text, Tag).Count > 0) && past.Do(command, past.States[1], Text, Tag).Count == 1)
            {
                return before;
            }
        }

        throw new InvalidOperationException(
            $"There are no {MaxBefore} commands after which {command} changes a post by exactly one event. Does it change anything? If so, raise PostCommands.MaxBefore.");
    }

    /// <summary>The life of one post in which every type of event occurs that commands lead to; deletion comes last.</summary>
    public static IReadOnlyList<PostEvent> Life()
    {
        var past = PostPast.Create("Title", "Content", ["b", "a"]);
        while (Sequences(OnALivePost, MaxBefore + 1).FirstOrDefault(LeadsToANewType) is { } commands)
        {
            Do(past, commands);
        }

        Do(past, [nameof(DeletePost)]);
        return past.Events;

        bool LeadsToANewType(string[] commands)
        {
            var trial = new PostPast(past);
            return commands.Length > 0 && Do(trial, commands).Any(@event => past.Events.TrueForAll(known => known.GetType() != @event.GetType()));
        }

        static IReadOnlyList<PostEvent> Do(PostPast past, string[] commands)
        {
            IReadOnlyList<PostEvent> last = [];
            foreach (var command in commands)
            {
                last = past.Do(command, past.States[1], "Ж 題\n👋🏽", "ä", "z");
            }

            return last;
        }
    }

    /// <summary>Every sequence of up to so many commands, the shortest first.</summary>
    private static IEnumerable<string[]> Sequences(IReadOnlyList<string> commands, int longest)
    {
        IEnumerable<string[]> all = [[]];
        IEnumerable<string[]> longer = all;
        for (var length = 1; length <= longest; length++)
        {
            longer = longer.SelectMany(sequence => commands.Select(command => (string[])[.. sequence, command])).ToArray();
            all = all.Concat(longer);
        }

        return all;
    }

    private static object ValueOf(ParameterInfo parameter, string id, string text, string[] tags)
    {
        var type = parameter.ParameterType;
        return type == typeof(string) ? parameter.Name == "PostId" ? id : text
            : type == typeof(IReadOnlyList<string>) ? tags
            : type == typeof(bool) ? text.Length % 2 == 1
            : type == typeof(int) ? text.Length
            : type == typeof(long) ? (long)text.Length
            : throw new InvalidOperationException($"PostCommands has no value of type {type.Name} for {parameter.Member.DeclaringType!.Name}.{parameter.Name}: add one to ValueOf.");
    }
}

/// <summary>A post's events, and its state after each of them.</summary>
internal sealed class PostPast
{
    public PostPast(string id) => States = [Post.Initial(id)];

    /// <summary>The same past, to be continued differently.</summary>
    public PostPast(PostPast other) => (States, Events) = ([.. other.States], [.. other.Events]);

    /// <summary>The states, by version; 0 is that before the first event.</summary>
    public List<Post> States { get; }

    public List<PostEvent> Events { get; } = [];

    public Post Now => States[^1];

    /// <summary>A post that is a draft at version 1.</summary>
    public static PostPast Create(string title, string content, string[] tags, string id = PostSpec.Id, string slug = "slug", string author = "Ada")
    {
        var past = new PostPast(id);
        past.Append(past.Now.Create(title, content, slug, author, tags));
        return past;
    }

    /// <summary>Sends a command; a refused one leaves nothing.</summary>
    /// <returns>The events that it appended.</returns>
    public IReadOnlyList<PostEvent> Do(string command, Post earlier, string text, params string[] tags)
    {
        try
        {
            var events = PostCommands.Decide(command, Now, earlier, text, tags);
            Append(events);
            return events;
        }
        catch (RejectedException)
        {
            return [];
        }
    }

    private void Append(IEnumerable<PostEvent> events)
    {
        foreach (var @event in events)
        {
            States.Add(Now.Apply(@event));
            Events.Add(@event);
        }
    }
}
