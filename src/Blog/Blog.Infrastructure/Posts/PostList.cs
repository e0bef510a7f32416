using System.ComponentModel.DataAnnotations;
using System.ComponentModel.DataAnnotations.Schema;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Projections.Folds;
using GrpcCqrs.Storage.Projections.Rows;
using Microsoft.EntityFrameworkCore;

namespace Blog.Infrastructure.Posts;

/// <summary>
/// A post as a row: the columns that <c>post_list</c> and <c>post_details</c> have in common. Each is declared here, filled from the state
/// in the constructor, and read back in <see cref="ToFold"/>.
/// </summary>
public abstract class PostRow
{
    /// <summary>The version of both projections. Raise it with every change of the columns or of <see cref="PostFold"/>.</summary>
    internal const int ProjectionVersion = 1;

    /// <summary>A row that is read.</summary>
    protected PostRow()
    {
    }

    /// <summary>The row of a state.</summary>
    [SetsRequiredMembers]
    private protected PostRow(string id, PostFold fold)
    {
        var post = fold.Post;
        PostId = id;
        Slug = post.Slug;
        Title = post.Title;
        Status = (int)post.Status;
        Author = post.Author;
        Tags = TagsColumn.Write(post.Tags);
        Version = fold.Version;
        CreateTime = fold.CreateTime;
        UpdateTime = fold.UpdateTime;
        PublishTime = fold.PublishTime;
    }

    /// <summary>The post's UUID.</summary>
    [Key]
    [MaxLength(36)]
    public required string PostId { get; set; }

    /// <summary>Its name in addresses.</summary>
    [MaxLength(PostRules.MaxSlugLength)]
    public required string Slug { get; set; }

    /// <summary>Its title.</summary>
    [MaxLength(2 * PostRules.MaxTitleLength)]
    public required string Title { get; set; }

    /// <summary>A <see cref="PostStatus"/> as number.</summary>
    public required int Status { get; set; }

    /// <summary>Who wrote it.</summary>
    [MaxLength(2 * PostRules.MaxTitleLength)]
    public required string Author { get; set; }

    /// <summary>A JSON array in alphabetical order.</summary>
    public required string Tags { get; set; }

    /// <summary>The number of its events.</summary>
    public required long Version { get; set; }

    /// <summary>When it was created.</summary>
    [Column("create_us")]
    public required long CreateTime { get; set; }

    /// <summary>When it last changed.</summary>
    [Column("update_us")]
    public required long UpdateTime { get; set; }

    /// <summary>When it was last published; 0 where it never was, so that it sorts first without a null's special rules.</summary>
    [Column("publish_us")]
    public required long PublishTime { get; set; }

    /// <summary>The state that the row holds.</summary>
    /// <param name="content">The content, where the row has it.</param>
    internal PostFold ToFold(string content = "") => new(
        new Post
        {
            Id = PostId,
            Slug = Slug,
            Title = Title,
            Content = content,
            Status = (PostStatus)Status,
            Author = Author,
            Tags = TagsColumn.Read(Tags),
        },
        Version,
        CreateTime,
        UpdateTime,
        PublishTime);

    /// <summary>The answer that the row gives, without the content.</summary>
    internal PostView ToView() => ToFold().ToView();
}

/// <summary>A row of <c>post_list</c>.</summary>
[Index(nameof(CreateTime), nameof(PostId))]
[Index(nameof(UpdateTime), nameof(PostId))]
[Index(nameof(PublishTime), nameof(PostId))]
[Index(nameof(Title), nameof(PostId))]
[Index(nameof(Author), nameof(CreateTime), nameof(PostId))]
public sealed class PostListRow : PostRow
{
    /// <inheritdoc cref="PostRow()"/>
    public PostListRow()
    {
    }

    [SetsRequiredMembers]
    internal PostListRow(string id, PostFold fold)
        : base(id, fold)
    {
    }
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
    StreamTable.Row<PostFold, PostListRow>("post_list", (id, fold) => new PostListRow(id, fold), row => row.ToFold()),
    StreamTable.Rows<PostFold, string, PostListTagRow>(
        "post_list_tags", fold => fold.Post.Tags, (id, tag) => new PostListTagRow { Tag = tag, PostId = id }),
])
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "post_list";

    /// <inheritdoc/>
    public override string Name => ProjectionName;

    /// <inheritdoc/>
    public override int Version => PostRow.ProjectionVersion;

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
public sealed class ListPostsHandler(ReadDatabase database, PageTokens tokens) : IReadModelQueryHandler<ListPosts, Page<PostView>>
{
    /// <summary>How long a post id is written.</summary>
    private const int IdLength = 36;

    /// <inheritdoc/>
    public async ValueTask<Page<PostView>> HandleAsync(ListPosts query, ReadView view, CancellationToken cancellationToken)
    {
        var size = query.PageSize > 0 ? query.PageSize : ListPosts.DefaultPageSize;
        var filters = PageTokens.FiltersOf(query);
        var column = query.Order switch
        {
            PostOrder.UpdateTime => "p.update_us",
            PostOrder.PublishTime => "p.publish_us",
            PostOrder.Title => "p.title",
            PostOrder.CreateTime => "p.create_us",
            _ => throw NoCase(query.Order),
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
        return new Page<PostView>([.. rows.Take(size).Select(row => row.ToView())], next);
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

    private string TokenBehind(PostRow last, PostOrder order, string filters) => order switch
    {
        PostOrder.UpdateTime => tokens.Write(nameof(ListPosts), filters, last.UpdateTime, last.PostId),
        PostOrder.PublishTime => tokens.Write(nameof(ListPosts), filters, last.PublishTime, last.PostId),
        PostOrder.Title => tokens.Write(nameof(ListPosts), filters, 0, last.PostId + last.Title),
        PostOrder.CreateTime => tokens.Write(nameof(ListPosts), filters, last.CreateTime, last.PostId),
        _ => throw NoCase(order),
    };

    private static UnreachableException NoCase(PostOrder order) => new($"ListPostsHandler has no case for the order {order}: add one for its column and its token.");
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
