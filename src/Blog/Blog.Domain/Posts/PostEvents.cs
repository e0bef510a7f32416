using System.Text;
using System.Text.Json.Serialization;
using GrpcCqrs.EventSourcing;

namespace Blog.Domain.Posts;

// A storage contract. These records are written to the event log as JSON and read back for as long as the store lives: a change of
// a property's name or meaning is a new version in [StoredEvent] with an upcaster (Blog.Application/BlogApplication.cs), and the golden
// files in tests/Blog.Tests/Golden hold every version ever written.

/// <summary>Something that happened to a post.</summary>
public abstract record PostEvent
{
    /// <summary>What a history says of it, in a sentence. Not stored.</summary>
    public abstract string Describe();
}

/// <summary>A draft was started.</summary>
[StoredEvent("blog.post-created", version: 1)]
public sealed record PostCreated(string Title, string Content, string Slug, string Author, IReadOnlyList<string> Tags) : PostEvent
{
    /// <inheritdoc/>
    public override string Describe() => $"Created as a draft titled “{Title}” by {Author}.";
}

/// <summary>The title became another.</summary>
[StoredEvent("blog.post-title-updated", version: 1)]
public sealed record PostTitleUpdated(string Title) : PostEvent
{
    /// <inheritdoc/>
    public override string Describe() => $"Title changed to “{Title}”.";
}

/// <summary>The content became another.</summary>
[StoredEvent("blog.post-content-edited", version: 1)]
public sealed record PostContentEdited(string Content) : PostEvent
{
    /// <inheritdoc/>
    public override string Describe() => $"Content replaced, {Encoding.UTF8.GetByteCount(Content)} bytes.";
}

/// <summary>The post became visible to readers.</summary>
[StoredEvent("blog.post-published", version: 1)]
public sealed record PostPublished : PostEvent
{
    /// <inheritdoc/>
    public override string Describe() => "Published.";
}

/// <summary>The post became a draft again.</summary>
[StoredEvent("blog.post-unpublished", version: 1)]
public sealed record PostUnpublished : PostEvent
{
    /// <inheritdoc/>
    public override string Describe() => "Made a draft again.";
}

/// <summary>The post was taken out of circulation.</summary>
[StoredEvent("blog.post-archived", version: 1)]
public sealed record PostArchived : PostEvent
{
    /// <inheritdoc/>
    public override string Describe() => "Archived.";
}

/// <summary>Tags were added that the post did not have.</summary>
[StoredEvent("blog.post-tags-added", version: 1)]
public sealed record PostTagsAdded(IReadOnlyList<string> Tags) : PostEvent
{
    /// <inheritdoc/>
    public override string Describe() => $"Tags added: {string.Join(", ", Tags)}.";
}

/// <summary>Tags were removed that the post had.</summary>
[StoredEvent("blog.post-tags-removed", version: 1)]
public sealed record PostTagsRemoved(IReadOnlyList<string> Tags) : PostEvent
{
    /// <inheritdoc/>
    public override string Describe() => $"Tags removed: {string.Join(", ", Tags)}.";
}

/// <summary>The post was deleted for good and its slug freed.</summary>
[StoredEvent("blog.post-deleted", version: 1)]
public sealed record PostDeleted : PostEvent
{
    /// <inheritdoc/>
    public override string Describe() => "Deleted.";
}

/// <summary>How the events are written as JSON: one line for each, since the compiler generates it.</summary>
[JsonSerializable(typeof(PostCreated))]
[JsonSerializable(typeof(PostTitleUpdated))]
[JsonSerializable(typeof(PostContentEdited))]
[JsonSerializable(typeof(PostPublished))]
[JsonSerializable(typeof(PostUnpublished))]
[JsonSerializable(typeof(PostArchived))]
[JsonSerializable(typeof(PostTagsAdded))]
[JsonSerializable(typeof(PostTagsRemoved))]
[JsonSerializable(typeof(PostDeleted))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
public sealed partial class PostEventsJson : JsonSerializerContext;
