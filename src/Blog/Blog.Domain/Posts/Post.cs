using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json.Serialization;
using GrpcCqrs.EventSourcing;

namespace Blog.Domain.Posts;

/// <summary>Where a post stands. The numbers are those of the proto and of the read database.</summary>
public enum PostStatus
{
    /// <summary>There is no post yet.</summary>
    None = 0,

    /// <summary>Being written.</summary>
    Draft = 1,

    /// <summary>Visible to readers.</summary>
    Published = 2,

    /// <summary>Out of circulation.</summary>
    Archived = 3,

    /// <summary>Deleted, which is final.</summary>
    Deleted = 4,
}

/// <summary>A post: its state, how events change it, and what can be decided on it.</summary>
public sealed record Post : IAggregate<Post, PostEvent>
{
    /// <summary>The scope of the unique key that a live post holds.</summary>
    public const string SlugScope = "blog.slug";

    /// <summary>
    /// The version of the state, by which its snapshots are told apart. Raise it with every change of a property or of
    /// <see cref="Apply"/>: a snapshot of an earlier version is then no longer read.
    /// </summary>
    public const int StateVersion = 2;

    /// <inheritdoc/>
    public static string Category => "post";

    /// <summary>A UUID.</summary>
    public required string Id { get; init; }

    /// <summary>Where it stands.</summary>
    public PostStatus Status { get; init; }

    /// <summary>Its name in addresses.</summary>
    public string Slug { get; init; } = "";

    /// <summary>Its title.</summary>
    public string Title { get; init; } = "";

    /// <summary>Its content.</summary>
    public string Content { get; init; } = "";

    /// <summary>Who wrote it.</summary>
    public string Author { get; init; } = "";

    /// <summary>Its tags, normalised.</summary>
    public ImmutableSortedSet<string> Tags { get; init; } = NoTags;

    /// <inheritdoc/>
    [JsonIgnore]
    public IReadOnlyCollection<UniqueKey> UniqueKeys =>
        Status is PostStatus.None or PostStatus.Deleted ? [] : [new UniqueKey(SlugScope, Slug)];

    /// <inheritdoc/>
    public long ApproximateBytes => 1_000 + (2L * (Title.Length + Content.Length));

    private static readonly ImmutableSortedSet<string> NoTags = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    /// <inheritdoc/>
    public static Post Initial(string id) => new() { Id = id };

    /// <inheritdoc/>
    public Post Apply(PostEvent @event) => @event switch
    {
        PostCreated e => this with
        {
            Status = PostStatus.Draft,
            Title = e.Title,
            Content = e.Content,
            Slug = e.Slug,
            Author = e.Author,
            Tags = NoTags.Union(e.Tags),
        },
        PostTitleUpdated e => this with { Title = e.Title },
        PostContentEdited e => this with { Content = e.Content },
        PostPublished => this with { Status = PostStatus.Published },
        PostUnpublished => this with { Status = PostStatus.Draft },
        PostArchived => this with { Status = PostStatus.Archived },
        PostTagsAdded e => this with { Tags = Tags.Union(e.Tags) },
        PostTagsRemoved e => this with { Tags = Tags.Except(e.Tags) },
        PostDeleted => this with { Status = PostStatus.Deleted },
        _ => throw new UnreachableException($"Post.Apply has no case for {@event.GetType().Name}: add one."),
    };

    /// <summary>Starts the post as a draft.</summary>
    public IReadOnlyList<PostEvent> Create(string title, string content, string slug, string author, IEnumerable<string> tags)
    {
        if (Status != PostStatus.None)
        {
            throw new RejectedException(PostErrors.Exists, $"There is a post {Id} already.") { Subject = $"posts/{Id}" };
        }

        Require("title", PostRules.CheckTitle(title));
        Require("content", PostRules.CheckContent(content));
        Require("slug", PostRules.CheckSlug(slug));
        Require("author", PostRules.CheckAuthor(author));
        var normalized = Normalize(tags);
        RequireRoomFor(normalized.Count);
        return [new PostCreated(title, content, slug, author, [.. normalized])];
    }

    /// <summary>Gives the post another title.</summary>
    public IReadOnlyList<PostEvent> ChangeTitle(string title)
    {
        RequireLive();
        Require("title", PostRules.CheckTitle(title));
        return title == Title ? [] : [new PostTitleUpdated(title)];
    }

    /// <summary>Replaces the content.</summary>
    public IReadOnlyList<PostEvent> EditContent(string content)
    {
        RequireLive();
        Require("content", PostRules.CheckContent(content));
        return content == Content ? [] : [new PostContentEdited(content)];
    }

    /// <summary>Makes a draft or an archived post visible to readers.</summary>
    public IReadOnlyList<PostEvent> Publish()
    {
        RequireLive();
        return Status == PostStatus.Published ? [] : [new PostPublished()];
    }

    /// <summary>Turns a published post back into a draft.</summary>
    public IReadOnlyList<PostEvent> Unpublish()
    {
        RequireLive();
        return Status switch
        {
            PostStatus.Draft => [],
            PostStatus.Published => [new PostUnpublished()],
            _ => throw NotPublished(),
        };
    }

    /// <summary>Takes a published post out of circulation.</summary>
    public IReadOnlyList<PostEvent> Archive()
    {
        RequireLive();
        return Status switch
        {
            PostStatus.Archived => [],
            PostStatus.Published => [new PostArchived()],
            _ => throw NotPublished(),
        };
    }

    /// <summary>Adds the tags that it does not have.</summary>
    public IReadOnlyList<PostEvent> AddTags(IEnumerable<string> tags)
    {
        RequireLive();
        var added = Normalize(tags).Except(Tags);
        RequireRoomFor(Tags.Count + added.Count);
        return added.IsEmpty ? [] : [new PostTagsAdded([.. added])];
    }

    /// <summary>Removes the tags that it has.</summary>
    public IReadOnlyList<PostEvent> RemoveTags(IEnumerable<string> tags)
    {
        RequireLive();
        var removed = Normalize(tags).Intersect(Tags);
        return removed.IsEmpty ? [] : [new PostTagsRemoved([.. removed])];
    }

    /// <summary>Deletes the post. Deleting a deleted post changes nothing.</summary>
    public IReadOnlyList<PostEvent> Delete()
    {
        RequireExists();
        return Status == PostStatus.Deleted ? [] : [new PostDeleted()];
    }

    /// <summary>Makes the post as it was, by the events that lead from here to there.</summary>
    /// <param name="earlier">The post at an earlier version.</param>
    /// <param name="keepStatus">Whether the status stays as it is now.</param>
    public IReadOnlyList<PostEvent> RestoreTo(Post earlier, bool keepStatus)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        RequireLive();
        var events = new List<PostEvent>();
        events.AddRange(ChangeTitle(earlier.Title));
        events.AddRange(EditContent(earlier.Content));
        var removed = Tags.Except(earlier.Tags);
        var added = earlier.Tags.Except(Tags);
        if (!removed.IsEmpty)
        {
            events.Add(new PostTagsRemoved([.. removed]));
        }

        if (!added.IsEmpty)
        {
            events.Add(new PostTagsAdded([.. added]));
        }

        if (!keepStatus && Status != earlier.Status)
        {
            events.Add(earlier.Status switch
            {
                PostStatus.Published => new PostPublished(),
                PostStatus.Archived => new PostArchived(),
                _ => new PostUnpublished(),
            });
        }

        return events;
    }

    private static ImmutableSortedSet<string> Normalize(IEnumerable<string> tags)
    {
        var index = 0;
        var normalized = NoTags.ToBuilder();
        foreach (var tag in tags)
        {
            Require($"tags[{index++}]", PostRules.CheckTag(tag));
            normalized.Add(PostRules.NormalizeTag(tag));
        }

        return normalized.ToImmutable();
    }

    private static void Require(string field, string? problem)
    {
        if (problem is not null)
        {
            throw RejectedException.Invalid(new FieldViolation(field, problem));
        }
    }

    private void RequireRoomFor(int tags)
    {
        if (tags > PostRules.MaxTags)
        {
            throw new RejectedException(PostErrors.TooManyTags, $"The post would have {tags} tags; {PostRules.MaxTags} is the most.")
            {
                Subject = $"posts/{Id}",
            };
        }
    }

    private void RequireExists()
    {
        if (Status == PostStatus.None)
        {
            throw PostErrors.PostNotFound(Id);
        }
    }

    private void RequireLive()
    {
        RequireExists();
        if (Status == PostStatus.Deleted)
        {
            throw new RejectedException(PostErrors.Deleted, $"The post {Id} was deleted.") { Subject = $"posts/{Id}" };
        }
    }

    private RejectedException NotPublished() =>
        new(PostErrors.NotPublished, $"The post {Id} is not published.") { Subject = $"posts/{Id}" };
}
