using Blog.Application.Posts;
using Blog.Domain.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;

namespace Blog.Infrastructure.Posts;

/// <summary>Keeps <c>post_details</c>: every post that is not deleted, with its content.</summary>
public sealed class PostDetailsProjection : PostProjection
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "post_details";

    private const string Table = "{post_details}";

    /// <inheritdoc/>
    public override string Name => ProjectionName;

    /// <inheritdoc/>
    public override int Version => 1;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tables { get; } = ["post_details"];

    /// <inheritdoc/>
    protected override Task ApplyAsync(ProjectionTables tables, PostEvent @event, PostChange change) => @event switch
    {
        PostCreated e => tables.ExecuteAsync(
            $"INSERT INTO {Table} (post_id, slug, title, content, status, author, tags, version, create_us, update_us, publish_us)"
            + " VALUES (@Id, @Slug, @Title, @Content, @Status, @Author, @Tags, @Version, @Time, @Time, 0)",
            new
            {
                change.Id, e.Slug, e.Title, e.Content, Status = (int)PostStatus.Draft, e.Author, Tags = TagsColumn.Write(e.Tags),
                change.Version, change.Time,
            }),
        PostContentEdited e => tables.ExecuteAsync(
            $"UPDATE {Table} SET content = @Content, version = @Version, update_us = @Time WHERE post_id = @Id",
            new { change.Id, change.Version, change.Time, e.Content }),
        _ => PostSummaryTable.ApplyAsync(Table, tables, @event, change),
    };
}

/// <summary>Answers <see cref="GetPost"/>.</summary>
public sealed class GetPostHandler(ReadDatabase database) : IReadModelQueryHandler<GetPost, PostView>
{
    /// <inheritdoc/>
    public async ValueTask<PostView> HandleAsync(GetPost query, ReadView view, CancellationToken cancellationToken)
    {
        var isById = query.PostId.Length > 0;
        var key = isById ? Guid.ParseExact(query.PostId, "D").ToString("D") : query.Slug;
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QueryFirstOrDefaultAsync<PostDetailsRow>(new CommandDefinition(
            $"SELECT {PostSummaryTable.Columns}, p.content AS Content FROM {view.Table("post_details")} p WHERE "
            + (isById ? "p.post_id = @key" : "p.slug = @key"),
            new { key },
            cancellationToken: cancellationToken));
        return row is null ? throw PostErrors.PostNotFound(key) : ToView(row);
    }

    private static PostView ToView(PostDetailsRow row)
    {
        var summary = PostSummaryTable.ToView(row);
        return new PostView(
            summary.PostId, summary.Slug, summary.Title, row.Content, summary.Status, summary.Author, summary.Tags, summary.Version,
            summary.CreateTime, summary.UpdateTime, summary.PublishTime);
    }
}
