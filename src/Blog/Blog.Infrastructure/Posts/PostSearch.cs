using System.Globalization;
using System.Text;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;

namespace Blog.Infrastructure.Posts;

/// <summary>
/// Keeps <c>post_search</c>, the FTS5 index over title and content of every post that is not deleted. It is not a
/// <see cref="FoldProjection{TState}"/>, since the index need not be read to be written: what a batch makes of a post is enough.
/// </summary>
public sealed class PostSearchProjection : IStreamProjection
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "post_search";

    private const string DeleteEntry = "DELETE FROM {post_search} WHERE rowid = @row";
    private const string DeleteRow = "DELETE FROM {post_search_rows} WHERE row_id = @row";

    private static readonly KeyedSelect RowsByPost = new("SELECT row_id, post_id FROM {post_search_rows}", "post_id");

    /// <inheritdoc/>
    public string Name => ProjectionName;

    /// <inheritdoc/>
    public int Version => 1;

    /// <inheritdoc/>
    public IReadOnlyList<string> Tables { get; } = ["post_search", "post_search_rows"];

    /// <inheritdoc/>
    public IReadOnlyCollection<Type> Handles { get; } = [typeof(PostCreated), typeof(PostTitleUpdated), typeof(PostContentEdited), typeof(PostDeleted)];

    /// <inheritdoc/>
    public IReadOnlyList<ProjectedRows> Rows { get; } =
        [new(ProjectionName, "SELECT r.post_id, s.title, s.content FROM {post_search_rows} r LEFT JOIN {post_search} s ON s.rowid = r.row_id", "post_id")];

    /// <inheritdoc/>
    public async Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, IProjectionTables tables, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(tables);
        var posts = new Dictionary<string, Entry>(StringComparer.Ordinal);
        foreach (var (record, @event) in batch)
        {
            if (!posts.TryGetValue(record.Stream.Id, out var post))
            {
                posts.Add(record.Stream.Id, post = new Entry(record.Stream.Id));
            }

            post.Apply((PostEvent)@event);
        }

        await FindRowsAsync([.. posts.Values.Where(post => !post.IsNew).Select(post => post.Id)], posts, tables, cancellationToken);

        // FTS5 gathers a transaction's writes in memory for as long as they come in the order of the rows, and else writes them out.
        foreach (var post in posts.Values.Where(post => post.RowId > 0).OrderBy(post => post.RowId))
        {
            await WriteAsync(post, tables, cancellationToken);
        }

        foreach (var post in posts.Values.Where(post => post is { IsNew: true, IsGone: false }))
        {
            var rows = await tables.QueryAsync(
                "INSERT INTO {post_search_rows} (post_id) VALUES (@id) RETURNING row_id", [("id", post.Id)], row => row.GetInt64(0), cancellationToken);
            await tables.ExecuteAsync(
                "INSERT INTO {post_search} (rowid, title, content) VALUES (@row, @title, @content)",
                [("row", rows[0]), ("title", post.Title), ("content", post.Content)],
                cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async Task RemoveAsync(StreamId stream, IProjectionTables tables, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tables);
        var post = new Entry(stream.Id) { IsGone = true };
        await FindRowsAsync([stream.Id], new Dictionary<string, Entry>(StringComparer.Ordinal) { [stream.Id] = post }, tables, cancellationToken);
        if (post.RowId > 0)
        {
            await WriteAsync(post, tables, cancellationToken);
        }
    }

    private static Task FindRowsAsync(string[] ids, Dictionary<string, Entry> posts, IProjectionTables tables, CancellationToken cancellationToken) =>
        RowsByPost.ReadAsync(ids, tables, row => posts[row.GetString(1)].RowId = row.GetInt64(0), cancellationToken);

    /// <summary>Brings an entry that the index has up to date.</summary>
    private static async Task WriteAsync(Entry post, IProjectionTables tables, CancellationToken cancellationToken)
    {
        if (post.IsGone)
        {
            await tables.ExecuteAsync(DeleteEntry, [("row", post.RowId)], cancellationToken);
            await tables.ExecuteAsync(DeleteRow, [("row", post.RowId)], cancellationToken);
            return;
        }

        await (post switch
        {
            { Title: { } title, Content: { } content } => tables.ExecuteAsync(
                "UPDATE {post_search} SET title = @title, content = @content WHERE rowid = @row", [("title", title), ("content", content), ("row", post.RowId)], cancellationToken),
            { Title: { } title } => tables.ExecuteAsync(
                "UPDATE {post_search} SET title = @title WHERE rowid = @row", [("title", title), ("row", post.RowId)], cancellationToken),
            { Content: { } content } => tables.ExecuteAsync(
                "UPDATE {post_search} SET content = @content WHERE rowid = @row", [("content", content), ("row", post.RowId)], cancellationToken),
            _ => Task.CompletedTask,
        });
    }

    /// <summary>What a batch makes of a post.</summary>
    private sealed class Entry(string id)
    {
        public string Id { get; } = id;

        public bool IsNew { get; private set; }

        public bool IsGone { get; set; }

        /// <summary>The title that the batch gives it; null where it leaves it alone. The content likewise.</summary>
        public string? Title { get; private set; }

        public string? Content { get; private set; }

        /// <summary>Where the index has it; 0 for nowhere.</summary>
        public long RowId { get; set; }

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
            }
        }
    }
}

/// <summary>Answers <see cref="SearchPosts"/>.</summary>
public sealed class SearchPostsHandler(ReadDatabase database, PageTokens tokens) : IReadModelQueryHandler<SearchPosts, Page<SearchHitView>>
{
    // What a snippet shows of the content around the first match, in characters. FTS5's own snippet() weighs every match against all
    // others, so that its time grows with the square of a post's matches; highlight() goes over the text once.
    private const int SnippetBefore = 60;
    private const int SnippetLength = 320;

    /// <inheritdoc/>
    public async ValueTask<Page<SearchHitView>> HandleAsync(SearchPosts query, ReadView view, CancellationToken cancellationToken)
    {
        var size = query.PageSize > 0 ? query.PageSize : SearchPosts.DefaultPageSize;
        var filters = $"{query.Query}\n{string.Join(',', query.Statuses.Order())}\n{query.Tag}";
        var offset = tokens.Read(nameof(SearchPosts), filters, query.PageToken)?.Number ?? 0;

        // The page is chosen first, so that snippets are cut for its rows only. A match in the title weighs ten times one in the content.
        var (index, list) = (view.Table("post_search"), view.Table("post_list"));
        var sql = new StringBuilder(
            $"WITH hits AS MATERIALIZED (SELECT s.rowid AS row_id, p.post_id, bm25({index}, 10.0, 1.0) AS rank FROM {index} s"
            + $" JOIN {view.Table("post_search_rows")} r ON r.row_id = s.rowid JOIN {list} p ON p.post_id = r.post_id WHERE {index} MATCH @match");
        var parameters = new DynamicParameters(new { match = MatchExpression(query.Query), count = size + 1, offset });
        PostFilters.Append(sql, parameters, view, query.Statuses, query.Tag);
        sql.Append(CultureInfo.InvariantCulture, $" ORDER BY rank, s.rowid LIMIT @count OFFSET @offset),")
            .Append(CultureInfo.InvariantCulture, $" marked AS MATERIALIZED (SELECT h.post_id, h.row_id, h.rank,")
            .Append(CultureInfo.InvariantCulture, $" highlight({index}, 0, char({(int)MatchMarks.Begin}), char({(int)MatchMarks.End})) AS title,")
            .Append(CultureInfo.InvariantCulture, $" highlight({index}, 1, char({(int)MatchMarks.Begin}), char({(int)MatchMarks.End})) AS content")
            .Append(CultureInfo.InvariantCulture, $" FROM hits h CROSS JOIN {index} s WHERE s.rowid = h.row_id AND {index} MATCH @match)")
            .Append(CultureInfo.InvariantCulture, $" SELECT {PostSummaryTable.Columns}, m.rank AS Rank, m.title AS TitleMarked,")
            .Append(CultureInfo.InvariantCulture, $" substr(m.content, max(1, instr(m.content, char({(int)MatchMarks.Begin})) - {SnippetBefore}), {SnippetLength}) AS ContentMarked,")
            .Append(CultureInfo.InvariantCulture, $" max(1, instr(m.content, char({(int)MatchMarks.Begin})) - {SnippetBefore}) AS SnippetStart, length(m.content) AS ContentLength")
            .Append(CultureInfo.InvariantCulture, $" FROM marked m JOIN {list} p ON p.post_id = m.post_id ORDER BY m.rank, m.row_id");
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = (await connection.QueryAsync<HitRow>(
            new CommandDefinition(sql.ToString(), parameters, cancellationToken: cancellationToken))).AsList();
        return new Page<SearchHitView>(
            [.. rows.Take(size).Select(row => new SearchHitView(
                PostSummaryTable.ToView(row), -row.Rank, MatchMarks.Cut(row.TitleMarked), MatchMarks.Cut(SnippetOf(row))))],
            rows.Count > size ? tokens.Write(nameof(SearchPosts), filters, offset + size, "") : "");
    }

    private static string SnippetOf(HitRow row) =>
        (row.SnippetStart > 1 ? "…" : "") + row.ContentMarked + (row.SnippetStart + SnippetLength <= row.ContentLength ? "…" : "");

    /// <summary>
    /// The query in FTS5's own language; every term is quoted, so that nothing in it is an operator. U+0000, which would end the
    /// expression, is in no text and becomes a space.
    /// </summary>
    private static string MatchExpression(string query)
    {
        var terms = SearchTerm.Parse(query);
        var wanted = string.Join(" AND ", terms.Where(term => !term.Excluded).Select(Quote));
        var excluded = string.Join(" OR ", terms.Where(term => term.Excluded).Select(Quote));
        return excluded.Length == 0 ? wanted : $"({wanted}) NOT ({excluded})";

        static string Quote(SearchTerm term) =>
            $"\"{term.Text.Replace("\"", "\"\"", StringComparison.Ordinal).Replace('\0', ' ')}\"{(term.IsPrefix ? "*" : "")}";
    }

    private sealed class HitRow : PostSummaryRow
    {
        public double Rank { get; set; }

        public required string TitleMarked { get; set; }

        public required string ContentMarked { get; set; }

        public long SnippetStart { get; set; }

        public long ContentLength { get; set; }
    }
}

/// <summary>Where matches begin and end in a marked text: two control characters, which the indexed text never holds.</summary>
internal static class MatchMarks
{
    public const char Begin = '\u0001';
    public const char End = '\u0002';

    public static string Clean(string text) =>
        text.AsSpan().IndexOfAny(Begin, End) < 0 ? text : text.Replace(Begin, ' ').Replace(End, ' ');

    public static IReadOnlyList<TextFragment> Cut(string marked)
    {
        var fragments = new List<TextFragment>();
        var isMatch = false;
        var start = 0;
        for (var index = 0; index <= marked.Length; index++)
        {
            if (index < marked.Length && marked[index] is not (Begin or End))
            {
                continue;
            }

            if (index > start)
            {
                fragments.Add(new TextFragment(marked[start..index], isMatch));
            }

            isMatch = index < marked.Length && marked[index] == Begin;
            start = index + 1;
        }

        return fragments;
    }
}
