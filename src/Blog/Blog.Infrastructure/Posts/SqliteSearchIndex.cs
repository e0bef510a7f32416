using System.ComponentModel.DataAnnotations;
using System.Data.Common;
using System.Globalization;
using System.Text;
using Blog.Application.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Projections.Folds;
using GrpcCqrs.Storage.Projections.Rows;
using Microsoft.EntityFrameworkCore;

namespace Blog.Infrastructure.Posts;

/// <summary>SQLite's FTS5, which takes texts apart itself, ranks by BM25 and marks matches.</summary>
internal sealed class SqliteSearchIndex : PostSearchIndex
{
    private static readonly KeyedSelect RowsByPost = new("SELECT row_id, post_id FROM {post_search_rows}", "post_id");

    // What a snippet shows of the content around the first match, in characters. FTS5's own snippet() weighs every match against all
    // others, so that its time grows with the square of a post's matches; highlight() goes over the text once.
    private const int SnippetBefore = 60;
    private const int SnippetLength = 320;

    /// <summary>FTS5 knows rows by number; the second table says which is whose.</summary>
    public override IReadOnlyList<ProjectionTable> Tables { get; } =
    [
        new("post_search")
        {
            Statements = ["CREATE VIRTUAL TABLE {post_search} USING fts5(title, content, tokenize = 'unicode61 remove_diacritics 2')"],
        },
        new("post_search_rows", typeof(PostSearchRow)),
    ];

    public override string Rows => "SELECT r.post_id, s.title, s.content FROM {post_search_rows} r LEFT JOIN {post_search} s ON s.rowid = r.row_id";

    public override async Task WriteAsync(IReadOnlyDictionary<string, SearchEntry> posts, IProjectionTables tables, CancellationToken cancellationToken)
    {
        var rows = new SortedList<long, SearchEntry>();
        await RowsByPost.ReadAsync(
            [.. posts.Values.Where(post => !post.IsNew).Select(post => post.Id)], tables, row => rows[row.GetInt64(0)] = posts[row.GetString(1)], cancellationToken);

        // FTS5 gathers a transaction's writes in memory for as long as they come in the order of the rows, and else writes them out.
        foreach (var run in Runs(rows))
        {
            await tables.ExecuteManyAsync(run.Sql, run.Names, run.Rows, cancellationToken);
        }

        await tables.ExecuteManyAsync(
            "DELETE FROM {post_search_rows} WHERE row_id = @row", ["row"], [.. rows.Where(row => row.Value.IsGone).Select(row => (object?[])[row.Key])], cancellationToken);
        SearchEntry[] added = [.. posts.Values.Where(post => post is { IsNew: true, IsGone: false })];
        if (added.Length > 0)
        {
            var last = (await tables.QueryAsync("SELECT COALESCE(MAX(row_id), 0) FROM {post_search_rows}", [], row => row.GetInt64(0), cancellationToken))[0];
            await tables.ExecuteManyAsync(
                "INSERT INTO {post_search_rows} (row_id, post_id) VALUES (@row, @id)", ["row", "id"], [.. added.Select((post, index) => (object?[])[last + 1 + index, post.Id])], cancellationToken);
            await tables.ExecuteManyAsync(
                "INSERT INTO {post_search} (rowid, title, content) VALUES (@row, @title, @content)", ["row", "title", "content"],
                [.. added.Select((post, index) => (object?[])[last + 1 + index, post.Title, post.Content])],
                cancellationToken);
        }
    }

    public override async Task<List<SearchHitView>> FindAsync(
        DbConnection connection, ReadView view, string query, string filter, DynamicParameters parameters, CancellationToken cancellationToken)
    {
        // The page is chosen first, so that snippets are cut for its rows only. A match in the title weighs ten times one in the content.
        var (index, list) = (view.Table("post_search"), view.Table("post_list"));
        var sql = new StringBuilder(
            $"WITH hits AS MATERIALIZED (SELECT s.rowid AS row_id, p.post_id, bm25({index}, 10.0, 1.0) AS rank FROM {index} s"
            + $" JOIN {view.Table("post_search_rows")} r ON r.row_id = s.rowid JOIN {list} p ON p.post_id = r.post_id WHERE {index} MATCH @match");
        parameters.Add("match", MatchExpression(query));
        sql.Append(filter)
            .Append(CultureInfo.InvariantCulture, $" ORDER BY rank, s.rowid LIMIT @count OFFSET @offset),")
            .Append(CultureInfo.InvariantCulture, $" marked AS MATERIALIZED (SELECT h.post_id, h.row_id, h.rank,")
            .Append(CultureInfo.InvariantCulture, $" highlight({index}, 0, char({(int)MatchMarks.Begin}), char({(int)MatchMarks.End})) AS title,")
            .Append(CultureInfo.InvariantCulture, $" highlight({index}, 1, char({(int)MatchMarks.Begin}), char({(int)MatchMarks.End})) AS content")
            .Append(CultureInfo.InvariantCulture, $" FROM hits h CROSS JOIN {index} s WHERE s.rowid = h.row_id AND {index} MATCH @match)")
            .Append(CultureInfo.InvariantCulture, $" SELECT {RowType<PostListRow>.Instance.SelectList("p")}, m.rank AS Rank, m.title AS TitleMarked,")
            .Append(CultureInfo.InvariantCulture, $" substr(m.content, max(1, instr(m.content, char({(int)MatchMarks.Begin})) - {SnippetBefore}), {SnippetLength}) AS ContentMarked,")
            .Append(CultureInfo.InvariantCulture, $" max(1, instr(m.content, char({(int)MatchMarks.Begin})) - {SnippetBefore}) AS SnippetStart, length(m.content) AS ContentLength")
            .Append(CultureInfo.InvariantCulture, $" FROM marked m JOIN {list} p ON p.post_id = m.post_id ORDER BY m.rank, m.row_id");
        var rows = await connection.QueryAsync<HitRow>(new CommandDefinition(sql.ToString(), parameters, cancellationToken: cancellationToken));
        return [.. rows.Select(row => new SearchHitView(
            row.ToView(), -row.Rank, MatchMarks.Cut(row.TitleMarked), MatchMarks.Cut(SnippetOf(row))))];
    }

    /// <summary>The changes of rows, neighbours that need the same statement together.</summary>
    private static IEnumerable<(string Sql, string[] Names, List<object?[]> Rows)> Runs(SortedList<long, SearchEntry> rows)
    {
        (string Sql, string[] Names, List<object?[]> Rows) run = ("", [], []);
        foreach (var (row, post) in rows)
        {
            (string Sql, string[] Names, object?[] Values) change = post switch
            {
                { IsGone: true } => ("DELETE FROM {post_search} WHERE rowid = @row", ["row"], [row]),
                { Title: { } title, Content: { } content } => ("UPDATE {post_search} SET title = @title, content = @content WHERE rowid = @row", ["title", "content", "row"], [title, content, row]),
                { Title: { } title } => ("UPDATE {post_search} SET title = @title WHERE rowid = @row", ["title", "row"], [title, row]),
                _ => ("UPDATE {post_search} SET content = @content WHERE rowid = @row", ["content", "row"], [post.Content, row]),
            };
            if (change.Sql != run.Sql)
            {
                if (run.Rows.Count > 0)
                {
                    yield return run;
                }

                run = (change.Sql, change.Names, []);
            }

            run.Rows.Add(change.Values);
        }

        if (run.Rows.Count > 0)
        {
            yield return run;
        }
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

    private sealed class HitRow : PostRow
    {
        public double Rank { get; set; }

        public required string TitleMarked { get; set; }

        public required string ContentMarked { get; set; }

        public long SnippetStart { get; set; }

        public long ContentLength { get; set; }
    }
}

/// <summary>A row of <c>post_search_rows</c>: which row of the full-text index belongs to which post.</summary>
[Index(nameof(PostId), IsUnique = true)]
public sealed class PostSearchRow
{
    /// <summary>The row in the index.</summary>
    [Key]
    public required long RowId { get; set; }

    /// <summary>The post.</summary>
    [MaxLength(36)]
    public required string PostId { get; set; }
}
