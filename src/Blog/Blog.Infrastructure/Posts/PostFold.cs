using System.Collections.Immutable;
using System.Text.Json;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;

namespace Blog.Infrastructure.Posts;

/// <summary>A post as the aggregate itself folds it, with what events add that the aggregate does not know: version and times.</summary>
/// <param name="Post">The post.</param>
/// <param name="Version">The number of its events.</param>
/// <param name="CreateTime">When it was created.</param>
/// <param name="UpdateTime">When it last changed.</param>
/// <param name="PublishTime">When it was last published; 0 for never.</param>
public sealed record PostFold(Post Post, long Version, long CreateTime, long UpdateTime, long PublishTime)
{
    /// <summary>The post after an event; null where there is none: not yet, or no longer.</summary>
    internal static PostFold? Apply(PostFold? fold, EventEnvelope envelope)
    {
        var (record, time) = (envelope.Record, UnixMicroseconds.From(envelope.Record.Time));
        var post = (fold?.Post ?? Post.Initial(record.Stream.Id)).Apply((PostEvent)envelope.Event);
        return post.Status is PostStatus.None or PostStatus.Deleted
            ? null
            : new PostFold(
                post, record.Version, fold?.CreateTime ?? time, time, envelope.Event is PostPublished ? time : fold?.PublishTime ?? 0);
    }

    /// <summary>The same as queries return it.</summary>
    internal PostView ToView() => new(
        Post, Version, UnixMicroseconds.ToTime(CreateTime), UnixMicroseconds.ToTime(UpdateTime), PublishTime == 0 ? null : UnixMicroseconds.ToTime(PublishTime));
}

/// <summary>Tags as a column holds them: a JSON array in alphabetical order.</summary>
internal static class TagsColumn
{
    private static readonly ImmutableSortedSet<string> None = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    public static string Write(ImmutableSortedSet<string> tags) => tags.IsEmpty ? "[]" : JsonSerializer.Serialize(tags);

    public static ImmutableSortedSet<string> Read(string column) => column == "[]" ? None : None.Union(JsonSerializer.Deserialize<string[]>(column) ?? []);
}
