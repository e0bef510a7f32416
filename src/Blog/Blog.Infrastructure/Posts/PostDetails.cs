using System.Diagnostics.CodeAnalysis;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Projections.Folds;
using GrpcCqrs.Storage.Projections.Rows;
using Microsoft.EntityFrameworkCore;

namespace Blog.Infrastructure.Posts;

/// <summary>A row of <c>post_details</c>.</summary>
[Index(nameof(Slug))]
public sealed class PostDetailsRow : PostRow
{
    /// <inheritdoc cref="PostRow()"/>
    public PostDetailsRow()
    {
    }

    [SetsRequiredMembers]
    internal PostDetailsRow(string id, PostFold fold)
        : base(id, fold) => Content = fold.Post.Content;

    /// <summary>The content.</summary>
    public required string Content { get; set; }
}

/// <summary>Keeps <c>post_details</c>: every post that is not deleted, with its content.</summary>
public sealed class PostDetailsProjection() : FoldProjection<PostFold>(
    [StreamTable.Row<PostFold, PostDetailsRow>("post_details", (id, fold) => new PostDetailsRow(id, fold), row => row.ToFold(row.Content))])
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "post_details";

    /// <inheritdoc/>
    public override string Name => ProjectionName;

    /// <inheritdoc/>
    public override int Version => PostRow.ProjectionVersion;

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
        return row is null ? throw PostErrors.PostNotFound(key) : row.ToFold(row.Content).ToView();
    }
}
