using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;
using Microsoft.EntityFrameworkCore;

namespace Blog.Infrastructure.Posts;

/// <summary>A row of <c>post_list</c>.</summary>
[Index(nameof(CreateTime), nameof(PostId))]
[Index(nameof(UpdateTime), nameof(PostId))]
[Index(nameof(PublishTime), nameof(PostId))]
[Index(nameof(Title), nameof(PostId))]
[Index(nameof(Author), nameof(CreateTime), nameof(PostId))]
public sealed class PostListRow : PostSummaryRow
{
    internal static PostListRow Of(string id, PostFold fold) => new()
    {
        PostId = id,
        Slug = fold.Post.Slug,
        Title = fold.Post.Title,
        Status = (int)fold.Post.Status,
        Author = fold.Post.Author,
        Tags = TagsColumn.Write(fold.Post.Tags),
        Version = fold.Version,
        CreateTime = fold.CreateTime,
        UpdateTime = fold.UpdateTime,
        PublishTime = fold.PublishTime,
    };
}

/// <summary>A row of <c>post_list_tags</c>.</summary>
[PrimaryKey(nameof(Tag), nameof(PostId))]
[Index(nameof(PostId))]
public sealed class PostListTagRow
{
    /// <summary>The tag.</summary>
    [MaxLength(2 * PostRules.MaxTagLength)]
    public required string Tag { get; set; }

    /// <summary>The post that carries it.</summary>
    [StreamColumn]
    [MaxLength(36)]
    public required string PostId { get; set; }
}

/// <summary>Keeps <c>post_list</c> and <c>post_list_tags</c>: every post that is not deleted, without its content.</summary>
public sealed class PostListProjection() : FoldProjection<PostFold>(
[
    StreamTable.Row<PostFold, PostListRow>("post_list", PostListRow.Of, row => row.ToFold("")),
    StreamTable.Rows<PostFold, string, PostListTagRow>(
        "post_list_tags", fold => fold.Post.Tags, (id, tag) => new PostListTagRow { Tag = tag, PostId = id }),
])
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "post_list";

    /// <inheritdoc/>
    public override string Name => ProjectionName;

    /// <inheritdoc/>
    public override int Version => 1;

    /// <inheritdoc/>
    public override string Category => Post.Category;

    /// <inheritdoc/>
    public override IReadOnlyCollection<Type> Handles { get; } = [typeof(PostEvent)];

    /// <inheritdoc/>
    protected override PostFold? Apply(PostFold? state, EventEnvelope envelope) => PostFold.Apply(state, envelope) switch
    {
        // States are kept in memory; contents are not in these tables.
        { Post.Content.Length: > 0 } fold => fold with { Post = fold.Post with { Content = "" } },
        var fold => fold,
    };
}

/// <summary>Answers <see cref="ListPosts"/>.</summary>
public sealed class ListPostsHandler(ReadDatabase database, PageTokens tokens) : IReadModelQueryHandler<ListPosts, Page<PostSummaryView>>
{
    /// <summary>How long a post id is written.</summary>
    private const int IdLength = 36;

    /// <inheritdoc/>
    public async ValueTask<Page<PostSummaryView>> HandleAsync(ListPosts query, ReadView view, CancellationToken cancellationToken)
    {
        var size = query.PageSize > 0 ? query.PageSize : ListPosts.DefaultPageSize;
        var filters = FiltersOf(query);
        var column = query.Order switch
        {
            PostOrder.UpdateTime => "p.update_us",
            PostOrder.PublishTime => "p.publish_us",
            PostOrder.Title => "p.title",
            _ => "p.create_us",
        };
        var (direction, beyond) = query.Descending ? ("DESC", "<") : ("ASC", ">");

        var sql = new StringBuilder($"SELECT {RowType<PostListRow>.Instance.SelectList("p")} FROM {view.Table("post_list")} p WHERE 1 = 1");
        var parameters = new DynamicParameters();
        PostFilters.Append(sql, parameters, view, query.Statuses, query.Tag);
        AppendFilters(sql, parameters, query);
        if (tokens.Read(nameof(ListPosts), filters, query.PageToken) is var (number, text))
        {
            // Behind the last row of the page before, in a form that an index on (column, post_id) serves.
            sql.Append(CultureInfo.InvariantCulture, $" AND {column} {beyond}= @from AND ({column} {beyond} @from OR p.post_id {beyond} @fromId)");
            parameters.Add("from", query.Order == PostOrder.Title ? text[IdLength..] : number);
            parameters.Add("fromId", text[..IdLength]);
        }

        sql.Append(CultureInfo.InvariantCulture, $" ORDER BY {column} {direction}, p.post_id {direction}");
        parameters.Add("count", size + 1);
        await using var connection = await database.OpenReaderAsync(cancellationToken);
        var rows = (await connection.QueryAsync<PostListRow>(
            new CommandDefinition(database.Provider.FirstRows(sql.ToString()), parameters, cancellationToken: cancellationToken))).AsList();
        var next = rows.Count > size ? TokenBehind(rows[size - 1], query.Order, filters) : "";
        return new Page<PostSummaryView>([.. rows.Take(size).Select(row => row.ToView())], next);
    }

    private void AppendFilters(StringBuilder sql, DynamicParameters parameters, ListPosts query)
    {
        PostFilters.AppendAuthor(sql, parameters, database.Provider, query.Author);
        AppendRange("create_us", query.Created);
        AppendRange("update_us", query.Updated);
        AppendRange("publish_us", query.Published);
        if (query.Published is not null)
        {
            sql.Append(" AND p.publish_us > 0");
        }

        void AppendRange(string column, TimeRange? range)
        {
            if (range?.Start is { } start)
            {
                sql.Append(CultureInfo.InvariantCulture, $" AND p.{column} >= @{column}_start");
                parameters.Add($"{column}_start", FirstMicrosecondFrom(start));
            }

            if (range?.End is { } end)
            {
                sql.Append(CultureInfo.InvariantCulture, $" AND p.{column} < @{column}_end");
                parameters.Add($"{column}_end", FirstMicrosecondFrom(end));
            }
        }
    }

    /// <summary>The first time that a row can hold and that is not before the time given, which may be finer.</summary>
    private static long FirstMicrosecondFrom(DateTimeOffset time)
    {
        var microsecond = UnixMicroseconds.From(time);
        return UnixMicroseconds.ToTime(microsecond) < time ? microsecond + 1 : microsecond;
    }

    private string TokenBehind(PostSummaryRow last, PostOrder order, string filters) => order switch
    {
        PostOrder.UpdateTime => tokens.Write(nameof(ListPosts), filters, last.UpdateTime, last.PostId),
        PostOrder.PublishTime => tokens.Write(nameof(ListPosts), filters, last.PublishTime, last.PostId),
        PostOrder.Title => tokens.Write(nameof(ListPosts), filters, 0, last.PostId + last.Title),
        _ => tokens.Write(nameof(ListPosts), filters, last.CreateTime, last.PostId),
    };

    /// <summary>All that must stay the same from page to page, in one text.</summary>
    private static string FiltersOf(ListPosts query) => string.Join(
        '\n',
        string.Join(',', query.Statuses.Order()),
        query.Tag,
        query.Author,
        $"{query.Created?.Start:O} {query.Created?.End:O}",
        $"{query.Updated?.Start:O} {query.Updated?.End:O}",
        $"{query.Published?.Start:O} {query.Published?.End:O}",
        query.Order,
        query.Descending);
}

/// <summary>Filters that lists and searches share.</summary>
internal static class PostFilters
{
    public static void Append(
        StringBuilder sql, DynamicParameters parameters, ReadView view, IReadOnlyList<PostStatus> statuses, string tag)
    {
        if (statuses.Count > 0)
        {
            // Numbers of an enumeration, in the text: drivers differ in how they take lists.
            sql.Append(" AND p.status IN (").AppendJoin(", ", statuses.Select(status => (int)status).Distinct().Order()).Append(')');
        }

        if (tag.Length > 0)
        {
            sql.Append(CultureInfo.InvariantCulture, $" AND EXISTS (SELECT 1 FROM {view.Table("post_list_tags")} t WHERE t.tag = @tag AND t.post_id = p.post_id)");
            parameters.Add("tag", PostRules.NormalizeTag(tag));
        }
    }

    public static void AppendAuthor(StringBuilder sql, DynamicParameters parameters, DatabaseProvider provider, string author)
    {
        if (author.Length > 0)
        {
            sql.Append(" AND ").Append(provider.IsSameText("p.author", "@author"));
            parameters.Add("author", author);
        }
    }
}
