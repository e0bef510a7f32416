using System.Collections.Immutable;
using System.ComponentModel.DataAnnotations;
using System.Text;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Projections.Folds;
using GrpcCqrs.Storage.Projections.Rows;

namespace Blog.Infrastructure.Posts;

/// <summary>A row of <c>tag_posts</c>: what the tag counts were counted from.</summary>
public sealed class TagPostRow
{
    /// <summary>The post.</summary>
    [Key]
    [MaxLength(36)]
    public required string PostId { get; set; }

    /// <summary>Its tags: a JSON array in alphabetical order.</summary>
    public required string Tags { get; set; }

    /// <summary>1 where it is published now, else 0.</summary>
    public required int IsPublished { get; set; }
}

/// <summary>A row of <c>tag_counts</c>.</summary>
public sealed class TagCountRow
{
    /// <summary>The tag.</summary>
    [Key]
    [MaxLength(2 * PostRules.MaxTagLength)]
    public required string Tag { get; set; }

    /// <summary>How many posts carry it.</summary>
    public required long PostCount { get; set; }

    /// <summary>How many of these are published.</summary>
    public required long PublishedCount { get; set; }
}

/// <summary>Keeps <c>tag_counts</c>, and beside it what it needs to know to count.</summary>
public sealed class TagCountsProjection() : FoldProjection<TaggedPost>(
    [
        StreamTable.Row<TaggedPost, TagPostRow>(
            "tag_posts",
            (id, post) => new TagPostRow { PostId = id, Tags = TagsColumn.Write(post.Tags), IsPublished = post.IsPublished ? 1 : 0 },
            row => new TaggedPost(TagsColumn.Read(row.Tags), row.IsPublished == 1)),
    ],
    new CountTable<TaggedPost, TagCountRow>(
        "tag_counts",
        post => post.Tags.Select(tag => new TagCountRow { Tag = tag, PostCount = 1, PublishedCount = post.IsPublished ? 1 : 0 })))
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "tag_counts";

    /// <inheritdoc/>
    public override string Name => ProjectionName;

    /// <inheritdoc/>
    public override int Version => 1;

    /// <inheritdoc/>
    public override string Category => Post.Category;

    /// <inheritdoc/>
    public override IReadOnlyCollection<Type> Handles { get; } =
    [
        typeof(PostCreated), typeof(PostTagsAdded), typeof(PostTagsRemoved), typeof(PostPublished), typeof(PostUnpublished), typeof(PostArchived),
        typeof(PostDeleted),
    ];

    /// <inheritdoc/>
    protected override TaggedPost? Apply(TaggedPost? state, EventEnvelope envelope)
    {
        var post = TaggedPost.Of(state).Apply((PostEvent)envelope.Event);
        return post.Status == PostStatus.Deleted ? null : TaggedPost.Of(post, state);
    }
}

/// <summary>What a post adds to the tags' counts.</summary>
/// <param name="Tags">Its tags.</param>
/// <param name="IsPublished">Whether it is published now.</param>
public sealed record TaggedPost(ImmutableSortedSet<string> Tags, bool IsPublished)
{
    internal static Post Of(TaggedPost? state) => state is null
        ? Post.Initial("")
        : Post.Initial("") with { Tags = state.Tags, Status = state.IsPublished ? PostStatus.Published : PostStatus.Draft };

    internal static TaggedPost Of(Post post, TaggedPost? before) =>
        before is not null && ReferenceEquals(post.Tags, before.Tags) && before.IsPublished == (post.Status == PostStatus.Published)
            ? before
            : new TaggedPost(post.Tags, post.Status == PostStatus.Published);
}

/// <summary>Answers <see cref="ListTags"/>.</summary>
public sealed class ListTagsHandler(ReadDatabase database, PageTokens tokens) : IReadModelQueryHandler<ListTags, Page<TagView>>
{
    /// <inheritdoc/>
    public async ValueTask<Page<TagView>> HandleAsync(ListTags query, ReadView view, CancellationToken cancellationToken)
    {
        var size = query.PageSize > 0 ? query.PageSize : ListTags.DefaultPageSize;
        var prefix = PostRules.NormalizeTag(query.Prefix);
        var filters = PageTokens.FiltersOf(query);
        var after = tokens.Read(nameof(ListTags), filters, query.PageToken)?.Text ?? "";

        await using var connection = await database.OpenReaderAsync(cancellationToken);
        var rows = (await connection.QueryAsync<TagCountRow>(new CommandDefinition(
            database.Provider.FirstRows(
                $"SELECT {RowType<TagCountRow>.Instance.SelectList()} FROM {view.Table("tag_counts")}"
                + $" WHERE tag > @after{(prefix.Length > 0 ? " AND tag >= @prefix AND tag < @end" : "")} ORDER BY tag"),
            new { after, prefix, end = EndOf(prefix), count = size + 1 },
            cancellationToken: cancellationToken))).AsList();
        return new Page<TagView>(
            [.. rows.Take(size).Select(row => new TagView(row.Tag, row.PostCount, row.PublishedCount))],
            rows.Count > size ? tokens.Write(nameof(ListTags), filters, 0, rows[size - 1].Tag) : "");
    }

    /// <summary>
    /// The first text behind all that begin with the prefix: its last character replaced by the next one. That holds in the order of
    /// code points as well as in that of UTF-16 units, which SQL Server goes by. A prefix ends with a character of a tag, behind each of
    /// which there is another.
    /// </summary>
    private static string EndOf(string prefix)
    {
        if (prefix.Length == 0)
        {
            return "";
        }

        Rune.DecodeLastFromUtf16(prefix, out var last, out var length);
        return string.Concat(prefix.AsSpan(0, prefix.Length - length), new Rune(last.Value + 1).ToString());
    }
}
