using Blog.Application.Posts;
using Blog.Domain.Posts;
using GrpcCqrs.Storage;

namespace Blog.Infrastructure.Posts;

/// <summary>The columns that <c>post_details</c> and <c>post_list</c> have in common, as queries read them.</summary>
internal static class PostSummaryTable
{
    /// <summary>The columns, named as the properties of <see cref="PostSummaryRow"/>.</summary>
    public const string Columns =
        "p.post_id AS PostId, p.slug AS Slug, p.title AS Title, p.status AS Status, p.author AS Author, p.tags AS Tags, p.version AS Version,"
        + " p.create_us AS CreateTime, p.update_us AS UpdateTime, p.publish_us AS PublishTime";

    public static PostSummaryView ToView(PostSummaryRow row) => new(
        row.PostId,
        row.Slug,
        row.Title,
        (PostStatus)row.Status,
        row.Author,
        TagsColumn.Read(row.Tags),
        row.Version,
        UnixMicroseconds.ToTime(row.CreateTime),
        UnixMicroseconds.ToTime(row.UpdateTime),
        row.PublishTime == 0 ? null : UnixMicroseconds.ToTime(row.PublishTime));
}
