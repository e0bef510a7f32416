using Blog.Application.Posts;
using Blog.Domain.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;
using Microsoft.EntityFrameworkCore;

namespace Blog.Infrastructure.Posts;

/// <summary>A row of <c>post_details</c>.</summary>
[Index(nameof(Slug))]
public sealed class PostDetailsRow : PostSummaryRow
{
    /// <summary>The content.</summary>
    public required string Content { get; set; }

    internal static PostDetailsRow Of(string id, PostFold fold) => new()
    {
        PostId = id,
        Slug = fold.Post.Slug,
        Title = fold.Post.Title,
        Content = fold.Post.Content,
        Status = (int)fold.Post.Status,
        Author = fold.Post.Author,
        Tags = TagsColumn.Write(fold.Post.Tags),
        Version = fold.Version,
        CreateTime = fold.CreateTime,
        UpdateTime = fold.UpdateTime,
        PublishTime = fold.PublishTime,
    };
}

/// <summary>Keeps <c>post_details</c>: every post that is not deleted, with its content.</summary>
public sealed class PostDetailsProjection() : FoldProjection<PostFold>(
    [StreamTable.Row<PostFold, PostDetailsRow>("post_details", PostDetailsRow.Of, row => row.ToFold(row.Content))])
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "post_details";

    /// <inheritdoc/>
    public override string Name => ProjectionName;

    /// <inheritdoc/>
    public override int Version => 1;

    /// <inheritdoc/>
    public override string Category => Post.Category;

    /// <inheritdoc/>
    public override IReadOnlyCollection<Type> Handles { get; } = [typeof(PostEvent)];

    /// <inheritdoc/>
    protected override PostFold? Apply(PostFold? state, EventEnvelope envelope) => PostFold.Apply(state, envelope);
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
            $"SELECT {RowType<PostDetailsRow>.Instance.SelectList("p")} FROM {view.Table("post_details")} p WHERE "
            + (isById ? "p.post_id = @key" : "p.slug = @key"),
            new { key },
            cancellationToken: cancellationToken));
        return row is null ? throw PostErrors.PostNotFound(key) : ToView(row);
    }

    private static PostView ToView(PostDetailsRow row)
    {
        var summary = row.ToView();
        return new PostView(
            summary.PostId, summary.Slug, summary.Title, row.Content, summary.Status, summary.Author, summary.Tags, summary.Version,
            summary.CreateTime, summary.UpdateTime, summary.PublishTime);
    }
}
