using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>A post's state as its snapshots hold it. A change of it or of <c>Post.Apply</c> needs a higher schema version.</summary>
internal sealed record PostSnapshot(string Status, string Slug, string Title, string Content, string Author, IReadOnlyList<string> Tags);

[JsonSerializable(typeof(PostSnapshot))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class PostSnapshotJson : JsonSerializerContext;

/// <summary>How posts are kept as snapshots.</summary>
public static class PostSnapshots
{
    /// <summary>
    /// A load then reads fewer events than this, so that a long post is loaded about as fast as a short one. A snapshot of a post is
    /// about as large as one of its events, so that this many cost a twentieth of what the events do.
    /// </summary>
    private const int Every = 20;

    /// <summary>The snapshots of posts.</summary>
    public static ISnapshots<Post> Create() => new JsonSnapshots<Post, PostSnapshot>(
        Every,
        schemaVersion: 1,
        PostSnapshotJson.Default.PostSnapshot,
        post => new PostSnapshot(post.Status.ToString(), post.Slug, post.Title, post.Content, post.Author, post.Tags),
        (id, snapshot) => Post.Initial(id) with
        {
            Status = Enum.Parse<PostStatus>(snapshot.Status),
            Slug = snapshot.Slug,
            Title = snapshot.Title,
            Content = snapshot.Content,
            Author = snapshot.Author,
            Tags = snapshot.Tags.ToImmutableSortedSet(StringComparer.Ordinal),
        });
}
