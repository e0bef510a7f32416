using Blog.Application.Posts;
using Blog.Domain.Posts;
using GrpcCqrs.Storage;

namespace Blog.Infrastructure.Posts;

/// <summary>The columns that <c>post_details</c> and <c>post_list</c> have in common: how events change them, how they are read.</summary>
internal static class PostSummaryTable
{
    /// <summary>The columns, named as the properties of <see cref="PostSummaryRow"/>.</summary>
    public const string Columns =
        "p.post_id AS PostId, p.slug AS Slug, p.title AS Title, p.status AS Status, p.author AS Author, p.tags AS Tags, p.version AS Version,"
        + " p.create_us AS CreateTime, p.update_us AS UpdateTime, p.publish_us AS PublishTime";

    /// <summary>Applies an event to the columns that it changes; a creation is the table's own affair.</summary>
    public static Task ApplyAsync(string table, ProjectionTables tables, PostEvent @event, PostChange change)
    {
        return @event switch
        {
            PostTitleUpdated e => SetAsync("title = @Title", new { change.Id, change.Version, change.Time, e.Title }),
            PostPublished => SetAsync("status = @Status, publish_us = @Time", With(PostStatus.Published)),
            PostUnpublished => SetAsync("status = @Status", With(PostStatus.Draft)),
            PostArchived => SetAsync("status = @Status", With(PostStatus.Archived)),
            PostTagsAdded e => ChangeTagsAsync(tags => tags.Union(e.Tags, StringComparer.Ordinal)),
            PostTagsRemoved e => ChangeTagsAsync(tags => tags.Except(e.Tags, StringComparer.Ordinal)),
            PostDeleted => tables.ExecuteAsync($"DELETE FROM {table} WHERE post_id = @Id", change),
            _ => tables.ExecuteAsync($"UPDATE {table} SET version = @Version, update_us = @Time WHERE post_id = @Id", change),
        };

        Task SetAsync(string assignment, object parameters) =>
            tables.ExecuteAsync($"UPDATE {table} SET {assignment}, version = @Version, update_us = @Time WHERE post_id = @Id", parameters);

        object With(PostStatus status) => new { change.Id, change.Version, change.Time, Status = (int)status };

        async Task ChangeTagsAsync(Func<string[], IEnumerable<string>> changeTags)
        {
            var column = (await tables.QueryAsync<string>($"SELECT tags FROM {table} WHERE post_id = @Id", change)).Single();
            var tags = TagsColumn.Write(changeTags(TagsColumn.Read(column)));
            await SetAsync("tags = @Tags", new { change.Id, change.Version, change.Time, Tags = tags });
        }
    }

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
