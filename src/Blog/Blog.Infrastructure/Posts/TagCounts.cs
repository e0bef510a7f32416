using System.Collections.Immutable;
using System.Text;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;

namespace Blog.Infrastructure.Posts;

/// <summary>Keeps <c>tag_counts</c>, and beside it what it needs to know to count.</summary>
public sealed class TagCountsProjection() : FoldProjection<TaggedPost>(
    [
        StreamTable.Set<TaggedPost, string>(
            "tag_posts", "post_id", post => post.Tags, [new("tag", tag => tag)], read: (post, row) => (post ?? TaggedPost.Empty).With(row.GetString(0))),
        StreamTable.Set<TaggedPost, bool>(
            "tag_published_posts", "post_id", post => post.IsPublished ? TaggedPost.Published : [], [], read: (post, _) => (post ?? TaggedPost.Empty) with { IsPublished = true }),
    ],
    new CountTable<TaggedPost>(
        "tag_counts", "tag", ["post_count", "published_count"], post => post.Tags.Select(tag => new Contribution(tag, 1, post.IsPublished ? 1 : 0))))
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "tag_counts";

    /// <inheritdoc/>
    public override string Name => ProjectionName;

    /// <inheritdoc/>
    public override int Version => 1;

    /// <inheritdoc/>
    public override IReadOnlyCollection<Type> Handles { get; } =
    [
        typeof(PostCreated), typeof(PostTagsAdded), typeof(PostTagsRemoved), typeof(PostPublished), typeof(PostUnpublished), typeof(PostArchived),
        typeof(PostDeleted),
    ];

    /// <inheritdoc/>
    protected override TaggedPost? Apply(TaggedPost? state, EventEnvelope envelope)
    {
        // A post without tags that is not published has no row, and yet exists.
        var post = state ?? TaggedPost.Empty;
        return envelope.Event switch
        {
            PostCreated e => post.Carrying(post.Tags.Union(e.Tags)),
            PostTagsAdded e => post.Carrying(post.Tags.Union(e.Tags)),
            PostTagsRemoved e => post.Carrying(post.Tags.Except(e.Tags)),
            PostPublished => post.Becoming(true),
            PostUnpublished or PostArchived => post.Becoming(false),
            _ => null,
        };
    }
}

/// <summary>What a post adds to the tags' counts.</summary>
/// <param name="Tags">Its tags.</param>
/// <param name="IsPublished">Whether it is published now.</param>
public sealed record TaggedPost(ImmutableSortedSet<string> Tags, bool IsPublished)
{
    internal static readonly TaggedPost Empty = new(ImmutableSortedSet.Create<string>(StringComparer.Ordinal), false);
    internal static readonly bool[] Published = [true];

    internal TaggedPost With(string tag) => this with { Tags = Tags.Add(tag) };

    internal TaggedPost Carrying(ImmutableSortedSet<string> tags) => ReferenceEquals(tags, Tags) ? this : this with { Tags = tags };

    internal TaggedPost Becoming(bool isPublished) => isPublished == IsPublished ? this : this with { IsPublished = isPublished };
}

/// <summary>Answers <see cref="ListTags"/>.</summary>
public sealed class ListTagsHandler(ReadDatabase database, PageTokens tokens) : IReadModelQueryHandler<ListTags, Page<TagView>>
{
    /// <inheritdoc/>
    public async ValueTask<Page<TagView>> HandleAsync(ListTags query, ReadView view, CancellationToken cancellationToken)
    {
        var size = query.PageSize > 0 ? query.PageSize : ListTags.DefaultPageSize;
        var prefix = PostRules.NormalizeTag(query.Prefix);
        var after = tokens.Read(nameof(ListTags), prefix, query.PageToken)?.Text ?? "";

        await using var connection = await database.OpenReaderAsync(cancellationToken);
        var rows = (await connection.QueryAsync<TagCountRow>(new CommandDefinition(
            database.Provider.FirstRows(
                $"SELECT tag AS Tag, post_count AS PostCount, published_count AS PublishedCount FROM {view.Table("tag_counts")}"
                + $" WHERE tag > @after{(prefix.Length > 0 ? " AND tag >= @prefix AND tag < @end" : "")} ORDER BY tag"),
            new { after, prefix, end = EndOf(prefix), count = size + 1 },
            cancellationToken: cancellationToken))).AsList();
        return new Page<TagView>(
            [.. rows.Take(size).Select(row => new TagView(row.Tag, row.PostCount, row.PublishedCount))],
            rows.Count > size ? tokens.Write(nameof(ListTags), prefix, 0, rows[size - 1].Tag) : "");
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
