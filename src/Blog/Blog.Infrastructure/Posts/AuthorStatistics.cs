using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Projections.Folds;
using GrpcCqrs.Storage.Projections.Rows;

namespace Blog.Infrastructure.Posts;

/// <summary>A row of <c>author_posts</c>: what a post adds to its author's statistics.</summary>
public sealed class AuthorPostRow
{
    /// <summary>The post.</summary>
    [Key]
    [MaxLength(36)]
    public required string PostId { get; set; }

    /// <summary>Who wrote it.</summary>
    [MaxLength(2 * PostRules.MaxTitleLength)]
    public required string Author { get; set; }

    /// <summary>1 where it is published now, else 0.</summary>
    public required int IsPublished { get; set; }

    /// <summary>How often its title or content was changed.</summary>
    public required long EditCount { get; set; }
}

/// <summary>A row of <c>author_statistics</c>; deleted posts do not count.</summary>
public sealed class AuthorStatisticsRow
{
    /// <summary>The author.</summary>
    [Key]
    [MaxLength(2 * PostRules.MaxTitleLength)]
    public required string Author { get; set; }

    /// <summary>How many posts are theirs.</summary>
    public required long PostCount { get; set; }

    /// <summary>How many of these are published.</summary>
    public required long PublishedCount { get; set; }

    /// <summary>How often their titles or contents were changed.</summary>
    public required long EditCount { get; set; }
}

/// <summary>Keeps <c>author_statistics</c>, and beside it what each post adds to them.</summary>
public sealed class AuthorStatisticsProjection() : FoldProjection<AuthoredPost>(
    [
        StreamTable.Row<AuthoredPost, AuthorPostRow>(
            "author_posts",
            (id, post) => new AuthorPostRow { PostId = id, Author = post.Author, IsPublished = post.IsPublished ? 1 : 0, EditCount = post.EditCount },
            row => new AuthoredPost(row.Author, row.IsPublished == 1, row.EditCount)),
    ],
    new CountTable<AuthoredPost, AuthorStatisticsRow>(
        "author_statistics",
        post => [new AuthorStatisticsRow { Author = post.Author, PostCount = 1, PublishedCount = post.IsPublished ? 1 : 0, EditCount = post.EditCount }]))
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "author_statistics";

    /// <inheritdoc/>
    public override string Name => ProjectionName;

    /// <inheritdoc/>
    public override int Version => 1;

    /// <inheritdoc/>
    public override string Category => Post.Category;

    /// <inheritdoc/>
    public override IReadOnlyCollection<Type> Handles { get; } =
    [
        typeof(PostCreated), typeof(PostTitleUpdated), typeof(PostContentEdited), typeof(PostPublished), typeof(PostUnpublished), typeof(PostArchived),
        typeof(PostDeleted),
    ];

    /// <inheritdoc/>
    protected override AuthoredPost? Apply(AuthoredPost? state, EventEnvelope envelope) => envelope.Event switch
    {
        PostCreated e => new AuthoredPost(e.Author, false, 0),
        PostDeleted => null,
        PostTitleUpdated or PostContentEdited => state is null ? null : state with { EditCount = state.EditCount + 1 },
        PostPublished => state is null ? null : state with { IsPublished = true },
        PostUnpublished or PostArchived => state is null ? null : state with { IsPublished = false },
        _ => throw new UnreachableException($"{Name} has no case for {envelope.Event.GetType().Name}: add one, or take it out of Handles."),
    };
}

/// <summary>What a post adds to its author's statistics.</summary>
/// <param name="Author">Who wrote it.</param>
/// <param name="IsPublished">Whether it is published now.</param>
/// <param name="EditCount">How often its title or content was changed.</param>
public sealed record AuthoredPost(string Author, bool IsPublished, long EditCount);

/// <summary>Answers <see cref="ListAuthors"/>.</summary>
public sealed class ListAuthorsHandler(ReadDatabase database, PageTokens tokens) : IReadModelQueryHandler<ListAuthors, Page<AuthorView>>
{
    /// <inheritdoc/>
    public async ValueTask<Page<AuthorView>> HandleAsync(ListAuthors query, ReadView view, CancellationToken cancellationToken)
    {
        var size = query.PageSize > 0 ? query.PageSize : ListAuthors.DefaultPageSize;
        var filters = PageTokens.FiltersOf(query);
        var from = tokens.Read(nameof(ListAuthors), filters, query.PageToken);
        var (posts, after) = from is var (number, text) ? (number, text) : (long.MaxValue, "");

        // An author begins with the prefix where it is not before it and before the prefix followed by the largest code point.
        var (beyond, order) = query.Order == AuthorOrder.PostCount
            ? ("(post_count < @posts OR (post_count = @posts AND author > @after))", "post_count DESC, author")
            : ("author > @after", "author");
        await using var connection = await database.OpenReaderAsync(cancellationToken);
        var rows = (await connection.QueryAsync<AuthorStatisticsRow>(new CommandDefinition(
            database.Provider.FirstRows(
                $"SELECT {RowType<AuthorStatisticsRow>.Instance.SelectList()} FROM {view.Table("author_statistics")} WHERE {beyond} AND author >= @prefix AND author < @end ORDER BY {order}"),
            new { posts, after, prefix = query.Prefix, end = query.Prefix + char.ConvertFromUtf32(0x10FFFF), count = size + 1 },
            cancellationToken: cancellationToken))).AsList();
        return new Page<AuthorView>(
            [.. rows.Take(size).Select(row => new AuthorView(row.Author, row.PostCount, row.PublishedCount, row.EditCount))],
            rows.Count > size ? tokens.Write(nameof(ListAuthors), filters, rows[size - 1].PostCount, rows[size - 1].Author) : "");
    }
}
