using System.Text;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;

namespace Blog.Infrastructure.Posts;

/// <summary>
/// Keeps <c>post_search</c>: title and content of every post that is not deleted, in the form that the read database searches them in
/// (<see cref="PostSearchIndex"/>).
/// </summary>
public sealed class PostSearchProjection(ReadDatabase database) : PostProjection, IProjection
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "post_search";

    private readonly PostSearchIndex index = PostSearchIndex.For(database.Provider);

    /// <inheritdoc/>
    public override string Name => ProjectionName;

    /// <inheritdoc/>
    public override int Version => 1;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tables => index.Tables;

    /// <inheritdoc/>
    public IReadOnlyList<ProjectedRows> Rows => [new ProjectedRows("post_search", index.Rows, "post_id")];

    /// <inheritdoc/>
    protected override async Task ApplyAsync(ProjectionTables tables, PostEvent @event, PostChange change)
    {
        switch (@event)
        {
            case PostCreated e:
                await index.AddAsync(tables, change.Id, MatchMarks.Clean(e.Title), MatchMarks.Clean(e.Content));
                break;
            case PostTitleUpdated e:
                await index.ChangeTitleAsync(tables, change.Id, MatchMarks.Clean(e.Title));
                break;
            case PostContentEdited e:
                await index.ChangeContentAsync(tables, change.Id, MatchMarks.Clean(e.Content));
                break;
            case PostDeleted:
                await index.RemoveAsync(tables, change.Id);
                break;
        }
    }
}

/// <summary>Answers <see cref="SearchPosts"/>.</summary>
public sealed class SearchPostsHandler(ReadDatabase database, PageTokens tokens) : IReadModelQueryHandler<SearchPosts, Page<SearchHitView>>
{
    private readonly PostSearchIndex index = PostSearchIndex.For(database.Provider);

    /// <inheritdoc/>
    public async ValueTask<Page<SearchHitView>> HandleAsync(SearchPosts query, ReadView view, CancellationToken cancellationToken)
    {
        var size = query.PageSize > 0 ? query.PageSize : SearchPosts.DefaultPageSize;
        var filters = $"{query.Query}\n{string.Join(',', query.Statuses.Order())}\n{query.Tag}";
        var offset = tokens.Read(nameof(SearchPosts), filters, query.PageToken)?.Number ?? 0;
        var filter = new StringBuilder();
        var parameters = new DynamicParameters(new { count = size + 1, offset });
        PostFilters.Append(filter, parameters, view, query.Statuses, query.Tag);
        await using var connection = await database.OpenAsync(cancellationToken);
        var hits = await index.FindAsync(connection, view, query.Query, filter.ToString(), parameters, cancellationToken);
        return new Page<SearchHitView>(
            [.. hits.Take(size)], hits.Count > size ? tokens.Write(nameof(SearchPosts), filters, offset + size, "") : "");
    }
}
