using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>The stored names and schema versions of a post's events. A storage contract: names are added, never changed.</summary>
public static class PostEventTypes
{
    /// <summary>Registers the types.</summary>
    public static void Register(EventTypeRegistry.Builder types)
    {
        ArgumentNullException.ThrowIfNull(types);

        // Text stays readable in the database: only what JSON demands is escaped, and characters beyond U+FFFF, as the runtime's
        // encoders always do.
        var json = new PostEventsJson(new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        });
        types
            .Add("blog.post-created", 1, json.PostCreated)
            .Add("blog.post-title-updated", 1, json.PostTitleUpdated)
            .Add("blog.post-content-edited", 1, json.PostContentEdited)
            .Add("blog.post-published", 1, json.PostPublished)
            .Add("blog.post-unpublished", 1, json.PostUnpublished)
            .Add("blog.post-archived", 1, json.PostArchived)
            .Add("blog.post-tags-added", 1, json.PostTagsAdded)
            .Add("blog.post-tags-removed", 1, json.PostTagsRemoved)
            .Add("blog.post-deleted", 1, json.PostDeleted);
    }
}

[JsonSerializable(typeof(PostCreated))]
[JsonSerializable(typeof(PostTitleUpdated))]
[JsonSerializable(typeof(PostContentEdited))]
[JsonSerializable(typeof(PostPublished))]
[JsonSerializable(typeof(PostUnpublished))]
[JsonSerializable(typeof(PostArchived))]
[JsonSerializable(typeof(PostTagsAdded))]
[JsonSerializable(typeof(PostTagsRemoved))]
[JsonSerializable(typeof(PostDeleted))]
internal sealed partial class PostEventsJson : JsonSerializerContext;
