using System.Data.Common;
using System.Text.Json;
using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;

namespace Blog.Infrastructure.Posts;

/// <summary>
/// What <c>post_details</c> and <c>post_list</c> say of a post, and how events change it. The content is empty where a table does not
/// hold it.
/// </summary>
public sealed record FoldedPost(
    string Slug, string Title, string Content, PostStatus Status, string Author, TagList Tags, long Version, long CreateTime, long UpdateTime, long PublishTime)
{
    /// <summary>The columns that both tables have, in the order in which <see cref="Read"/> reads them.</summary>
    internal static IReadOnlyList<Column<FoldedPost>> Columns { get; } =
    [
        new("slug", post => post.Slug),
        new("title", post => post.Title),
        new("status", post => (long)post.Status),
        new("author", post => post.Author),
        new("tags", post => post.Tags.Column),
        new("version", post => post.Version),
        new("create_us", post => post.CreateTime),
        new("update_us", post => post.UpdateTime),
        new("publish_us", post => post.PublishTime),
    ];

    internal static FoldedPost Read(DbDataReader row, string content) => new(
        row.GetString(0), row.GetString(1), content, (PostStatus)row.GetInt32(2), row.GetString(3), TagList.OfColumn(row.GetString(4)), row.GetInt64(5),
        row.GetInt64(6), row.GetInt64(7), row.GetInt64(8));

    /// <summary>The post after an event; null where there is none: not yet, or not any more.</summary>
    internal static FoldedPost? Apply(FoldedPost? post, EventEnvelope envelope)
    {
        var (version, time) = (envelope.Record.Version, UnixMicroseconds.From(envelope.Record.Time));
        if (envelope.Event is PostCreated created)
        {
            return new FoldedPost(
                created.Slug, created.Title, created.Content, PostStatus.Draft, created.Author, TagList.Of(created.Tags), version, time, time, 0);
        }

        return envelope.Event is PostDeleted || post is null ? null : post.After((PostEvent)envelope.Event, time) with { Version = version, UpdateTime = time };
    }

    private FoldedPost After(PostEvent @event, long time) => @event switch
    {
        PostTitleUpdated e => this with { Title = e.Title },
        PostContentEdited e => this with { Content = e.Content },
        PostPublished => this with { Status = PostStatus.Published, PublishTime = time },
        PostUnpublished => this with { Status = PostStatus.Draft },
        PostArchived => this with { Status = PostStatus.Archived },
        PostTagsAdded e => this with { Tags = TagList.Of(Tags.Items.Union(e.Tags, StringComparer.Ordinal)) },
        PostTagsRemoved e => this with { Tags = TagList.Of(Tags.Items.Except(e.Tags, StringComparer.Ordinal)) },
        _ => this,
    };
}

/// <summary>
/// A post's tags in alphabetical order, and as a column holds them; either is made of the other when it is first asked for, since most
/// events change no tags.
/// </summary>
public sealed class TagList
{
    private string[]? items;
    private string? column;

    private TagList()
    {
    }

    /// <summary>The tags.</summary>
    public IReadOnlyList<string> Items => items ??= TagsColumn.Read(column!);

    /// <summary>The column's value.</summary>
    public string Column => column ??= TagsColumn.Write(items!);

    /// <summary>Tags as a column holds them.</summary>
    public static TagList OfColumn(string column) => new() { column = column };

    /// <summary>These tags, in any order.</summary>
    public static TagList Of(IEnumerable<string> tags) => new() { items = [.. tags.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)] };
}

/// <summary>Tags as a column holds them.</summary>
internal static class TagsColumn
{
    public static string Write(string[] tags) => tags.Length == 0 ? "[]" : JsonSerializer.Serialize(tags);

    public static string[] Read(string column) => column == "[]" ? [] : JsonSerializer.Deserialize<string[]>(column) ?? [];
}
