using System.Diagnostics;
using System.Text;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Projections.Folds;

namespace Blog.Infrastructure.Posts;

/// <summary>
/// Keeps <c>post_search</c>: title and content of every post that is not deleted, in the form that the read database searches them in
/// (<see cref="PostSearchIndex"/>). It is not a <see cref="FoldProjection{TState}"/>, since the index need not be read to be written:
/// what a batch makes of a post is enough.
/// </summary>
public sealed class PostSearchProjection(ReadDatabase database) : IStreamProjection
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "post_search";

    private readonly PostSearchIndex index = PostSearchIndex.For(database.Provider);

    /// <inheritdoc/>
    public string Name => ProjectionName;

    /// <inheritdoc/>
    public int Version => 1;

    /// <inheritdoc/>
    public IReadOnlyList<ProjectionTable> Tables => index.Tables;

    /// <inheritdoc/>
    public string? Category => Post.Category;

    /// <inheritdoc/>
    public IReadOnlyCollection<Type> Handles { get; } = [typeof(PostCreated), typeof(PostTitleUpdated), typeof(PostContentEdited), typeof(PostDeleted)];

    /// <inheritdoc/>
    public IReadOnlyList<ProjectedRows> Rows => [new(ProjectionName, index.Rows, "post_id")];

    /// <inheritdoc/>
    public IProjectionBatch Begin() => new PostSearchBatch(index);

    /// <inheritdoc/>
    public async Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, IProjectionTables tables, CancellationToken cancellationToken)
    {
        var posts = Begin();
        await posts.AddAsync(batch, tables, cancellationToken);
        await posts.WriteAsync(tables, cancellationToken);
    }

    /// <inheritdoc/>
    public Task RemoveAsync(StreamId stream, IProjectionTables tables, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tables);
        return index.WriteAsync(
            new Dictionary<string, SearchEntry>(StringComparer.Ordinal) { [stream.Id] = new SearchEntry(stream.Id) { IsGone = true } }, tables, cancellationToken);
    }
}

/// <summary>The posts that are to be written; nothing is kept of those that were.</summary>
internal sealed class PostSearchBatch(PostSearchIndex index) : IProjectionBatch
{
    private Dictionary<string, SearchEntry> posts = new(StringComparer.Ordinal);

    public int Count => posts.Count;

    public long Bytes { get; private set; }

    public Task AddAsync(IReadOnlyList<EventEnvelope> events, IProjectionTables tables, CancellationToken cancellationToken)
    {
        foreach (var (record, @event) in events)
        {
            if (!posts.TryGetValue(record.Stream.Id, out var post))
            {
                posts.Add(record.Stream.Id, post = new SearchEntry(record.Stream.Id));
            }

            Bytes -= post.Bytes;
            post.Apply((PostEvent)@event);
            Bytes += post.Bytes;
        }

        return Task.CompletedTask;
    }

    public async Task WriteAsync(IProjectionTables tables, CancellationToken cancellationToken)
    {
        await index.WriteAsync(posts, tables, cancellationToken);
        (posts, Bytes) = (new(StringComparer.Ordinal), 0);
    }
}

/// <summary>What a batch makes of a post.</summary>
internal sealed class SearchEntry(string id)
{
    public string Id { get; } = id;

    /// <summary>Whether the batch creates it.</summary>
    public bool IsNew { get; private set; }

    /// <summary>Whether it is to be found no more.</summary>
    public bool IsGone { get; set; }

    /// <summary>The title that the batch gives it; null where it leaves it alone. The content likewise.</summary>
    public string? Title { get; private set; }

    public string? Content { get; private set; }

    /// <summary>About what the texts take in memory.</summary>
    public long Bytes => 2L * ((Title?.Length ?? 0) + (Content?.Length ?? 0));

    public void Apply(PostEvent @event)
    {
        switch (@event)
        {
            case PostCreated e:
                (IsNew, Title, Content) = (true, MatchMarks.Clean(e.Title), MatchMarks.Clean(e.Content));
                break;
            case PostTitleUpdated e:
                Title = MatchMarks.Clean(e.Title);
                break;
            case PostContentEdited e:
                Content = MatchMarks.Clean(e.Content);
                break;
            case PostDeleted:
                IsGone = true;
                break;
            default:
                throw new UnreachableException($"post_search has no case for {@event.GetType().Name}: add one, or take it out of Handles.");
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
        var filters = PageTokens.FiltersOf(query);
        var offset = tokens.Read(nameof(SearchPosts), filters, query.PageToken)?.Number ?? 0;
        var filter = new StringBuilder();
        var parameters = new DynamicParameters(new { count = size + 1, offset });
        PostFilters.Append(filter, parameters, view, query.Statuses, query.Tag);
        await using var connection = await database.OpenReaderAsync(cancellationToken);
        var hits = await index.FindAsync(connection, view, query.Query, filter.ToString(), parameters, cancellationToken);
        return new Page<SearchHitView>(
            [.. hits.Take(size)], hits.Count > size ? tokens.Write(nameof(SearchPosts), filters, offset + size, "") : "");
    }
}
