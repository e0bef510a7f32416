using Blog.Application.Posts;
using Blog.Domain.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;

namespace Blog.Infrastructure.Posts;

/// <summary>Keeps <c>post_details</c>: every post that is not deleted, with its content.</summary>
public sealed class PostDetailsProjection() : FoldProjection<FoldedPost>(
[
    StreamTable.Row<FoldedPost>(
        "post_details",
        "post_id",
        (_, row) => FoldedPost.Read(row, row.GetString(FoldedPost.Columns.Count)),
        [.. FoldedPost.Columns, new("content", post => post.Content)]),
])
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "post_details";

    /// <inheritdoc/>
    public override string Name => ProjectionName;

    /// <inheritdoc/>
    public override int Version => 1;

    /// <inheritdoc/>
    public override IReadOnlyCollection<Type> Handles { get; } = [typeof(PostEvent)];

    /// <inheritdoc/>
    protected override FoldedPost? Apply(FoldedPost? state, EventEnvelope envelope) => FoldedPost.Apply(state, envelope);
}

/// <summary>Answers <see cref="GetPost"/>.</summary>
public sealed class GetPostHandler(ReadDatabase database) : IReadModelQueryHandler<GetPost, PostView>
{
    /// <inheritdoc/>
    public async ValueTask<PostView> HandleAsync(GetPost query, ReadView view, CancellationToken cancellationToken)
    {
        var isById = query.PostId.Length > 0;
        var key = isById ? Guid.ParseExact(query.PostId, "D").ToString("D") : query.Slug;
        await using var connection = await database.OpenReaderAsync(cancellationToken);
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
