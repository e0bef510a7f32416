using System.Text;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;

namespace Blog.Infrastructure.Posts;

/// <summary>Keeps <c>tag_counts</c>, and beside it what it needs to know to count.</summary>
public sealed class TagCountsProjection : PostProjection
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "tag_counts";

    /// <inheritdoc/>
    public override string Name => ProjectionName;

    /// <inheritdoc/>
    public override int Version => 1;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tables { get; } = ["tag_counts", "tag_posts", "tag_published_posts"];

    /// <inheritdoc/>
    protected override async Task ApplyAsync(ProjectionTables tables, PostEvent @event, PostChange change)
    {
        switch (@event)
        {
            case PostCreated e:
                await AddAsync(e.Tags, published: 0);
                break;
            case PostTagsAdded e:
                await AddAsync(e.Tags, await PublishedAsync());
                break;
            case PostTagsRemoved e:
                await RemoveAsync(e.Tags, await PublishedAsync());
                break;
            case PostPublished:
                await SetPublishedAsync(true);
                break;
            case PostUnpublished or PostArchived:
                await SetPublishedAsync(false);
                break;
            case PostDeleted:
                await RemoveAsync([.. await TagsAsync()], await PublishedAsync());
                await tables.ExecuteAsync("DELETE FROM {tag_published_posts} WHERE post_id = @Id", change);
                break;
        }

        Task<IEnumerable<string>> TagsAsync() => tables.QueryAsync<string>("SELECT tag FROM {tag_posts} WHERE post_id = @Id", change);

        async Task<int> PublishedAsync() =>
            (await tables.QueryAsync<string>("SELECT post_id FROM {tag_published_posts} WHERE post_id = @Id", change)).Any() ? 1 : 0;

        async Task AddAsync(IReadOnlyList<string> tags, int published)
        {
            foreach (var tag in tags)
            {
                await tables.ExecuteAsync("INSERT INTO {tag_posts} (post_id, tag) VALUES (@Id, @tag)", new { change.Id, tag });
                await tables.ExecuteAsync(
                    "INSERT INTO {tag_counts} (tag, post_count, published_count) SELECT @tag, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM {tag_counts} WHERE tag = @tag)",
                    new { tag });
                await CountAsync(tag, 1, published);
            }
        }

        async Task RemoveAsync(IReadOnlyList<string> tags, int published)
        {
            foreach (var tag in tags)
            {
                await tables.ExecuteAsync("DELETE FROM {tag_posts} WHERE post_id = @Id AND tag = @tag", new { change.Id, tag });
                await CountAsync(tag, -1, -published);
                await tables.ExecuteAsync("DELETE FROM {tag_counts} WHERE tag = @tag AND post_count = 0", new { tag });
            }
        }

        async Task SetPublishedAsync(bool published)
        {
            if (published == (await PublishedAsync() == 1))
            {
                return;
            }

            await tables.ExecuteAsync(
                published ? "INSERT INTO {tag_published_posts} (post_id) VALUES (@Id)" : "DELETE FROM {tag_published_posts} WHERE post_id = @Id", change);
            foreach (var tag in await TagsAsync())
            {
                await CountAsync(tag, 0, published ? 1 : -1);
            }
        }

        Task CountAsync(string tag, int posts, int published) => tables.ExecuteAsync(
            "UPDATE {tag_counts} SET post_count = post_count + @posts, published_count = published_count + @published WHERE tag = @tag",
            new { tag, posts, published });
    }
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

        await using var connection = await database.OpenAsync(cancellationToken);
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
