using System.Data.Common;
using System.Globalization;
using System.Text;
using Blog.Application.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Projections.Rows;

namespace Blog.Infrastructure.Posts;

/// <summary>
/// What PostgreSQL and SQL Server have in common: beside title and content their words (<see cref="SearchText"/>), in which terms are
/// looked for as they are, and snippets that the service cuts.
/// </summary>
internal abstract class ServerSearchIndex : PostSearchIndex
{
    private static readonly RowChange Delete = RowChange.Delete("post_search", ["post_id"]);

    public override string Rows => "SELECT post_id, title, content FROM {post_search}";

    public override async Task WriteAsync(IReadOnlyDictionary<string, SearchEntry> posts, IProjectionTables tables, CancellationToken cancellationToken)
    {
        var changed = posts.Values.Where(post => !post.IsNew && !post.IsGone).ToList();
        await tables.ChangeManyAsync(Delete, [.. posts.Values.Where(post => post is { IsNew: false, IsGone: true }).Select(post => (object?[])[post.Id])], cancellationToken);
        await ChangeTitlesAsync(tables, [.. changed.Where(post => post.Title is not null)], cancellationToken);
        await ChangeContentsAsync(tables, [.. changed.Where(post => post.Content is not null)], cancellationToken);
        await AddAsync(tables, [.. posts.Values.Where(post => post is { IsNew: true, IsGone: false })], cancellationToken);
    }

    public override async Task<List<SearchHitView>> FindAsync(
        DbConnection connection, ReadView view, string query, string filter, DynamicParameters parameters, CancellationToken cancellationToken)
    {
        var (wanted, excluded) = (SearchPhrase.Of(query, excluded: false), SearchPhrase.Of(query, excluded: true));
        var (index, list) = (view.Table("post_search"), view.Table("post_list"));
        var condition = new StringBuilder();
        var score = AppendCondition(condition, parameters, wanted, excluded);

        // The page is chosen first, so that contents are read for its rows only, and from ranked posts, so that the list is looked up for
        // those of the page and the ones before it only.
        var sql = $"WITH hits AS (SELECT r.post_id, r.score FROM (SELECT s.post_id, {score} AS score FROM {index} s WHERE {condition}{RankedOrder}) r"
            + $" JOIN {list} p ON p.post_id = r.post_id WHERE 1 = 1{filter}"
            + $" ORDER BY r.score DESC, r.post_id OFFSET @offset ROWS FETCH NEXT @count ROWS ONLY)"
            + $" SELECT {RowType<PostListRow>.Instance.SelectList("p")}, h.score AS Score, s.title AS IndexedTitle, s.content AS IndexedContent"
            + $" FROM hits h JOIN {index} s ON s.post_id = h.post_id JOIN {list} p ON p.post_id = h.post_id ORDER BY h.score DESC, h.post_id";

        // Row by row: a content may have 1 MiB, of which a snippet is kept.
        var hits = new List<SearchHitView>();
        await foreach (var row in connection.QueryUnbufferedAsync<HitRow>(sql, parameters).WithCancellation(cancellationToken))
        {
            hits.Add(new SearchHitView(
                row.ToView(), row.Score,
                MatchMarks.Cut(SearchText.Mark(row.IndexedTitle, wanted)), MatchMarks.Cut(SearchText.Snippet(row.IndexedContent, wanted))));
        }

        return hits;
    }

    /// <summary>The order of the ranked posts before the list's filters, where the database takes one there and makes use of it.</summary>
    protected virtual string RankedOrder => "";

    /// <summary>Adds posts.</summary>
    protected abstract Task AddAsync(IProjectionTables tables, IReadOnlyList<SearchEntry> posts, CancellationToken cancellationToken);

    /// <summary>Changes posts' titles.</summary>
    protected abstract Task ChangeTitlesAsync(IProjectionTables tables, IReadOnlyList<SearchEntry> posts, CancellationToken cancellationToken);

    /// <summary>Changes posts' contents.</summary>
    protected abstract Task ChangeContentsAsync(IProjectionTables tables, IReadOnlyList<SearchEntry> posts, CancellationToken cancellationToken);

    /// <summary>Writes the condition on <c>s</c>, the index, that it has all that is wanted and nothing that is excluded.</summary>
    /// <returns>An expression of a hit's score; larger is better.</returns>
    protected abstract string AppendCondition(
        StringBuilder sql, DynamicParameters parameters, IReadOnlyList<SearchPhrase> wanted, IReadOnlyList<SearchPhrase> excluded);

    private sealed class HitRow : PostRow
    {
        public double Score { get; set; }

        public required string IndexedTitle { get; set; }

        public required string IndexedContent { get; set; }
    }
}

/// <summary>
/// PostgreSQL's full-text search: a tsvector of title and content with a GIN index over both. Their words are given to it ready (not
/// through <c>to_tsvector</c>, whose idea of a word depends on the server's locale), those of the title with weight A, those of the
/// content with D. A tsvector holds positions up to 16,383 only, so that a phrase's words are looked up in it and the phrase in the text
/// of words.
/// </summary>
internal sealed class PostgreSqlSearchIndex : ServerSearchIndex
{
    /// <summary>
    /// A tsvector takes less than 1 MiB, in which those of title and content must fit together. A content of so many different words
    /// that they do not fit with their positions goes without: then they count once each in the rank.
    /// </summary>
    private const int MaxVectorBytes = 1_045_000;

    /// <summary>How often a word counts in a post's rank at most, and the largest position that there is.</summary>
    private const int MaxOccurrences = 32;
    private const int MaxPosition = 16_383;

    /// <summary>What the index of words is over.</summary>
    private const string Vector = "(s.title_vector || s.content_vector)";

    /// <summary>About how many characters of texts go in one statement, with their words and vectors about three times as many.</summary>
    private const int MaxSetLength = 1024 * 1024;

    public override IReadOnlyList<ProjectionTable> Tables { get; } =
    [
        new("post_search", typeof(PostVectorRow))
        {
            Statements = ["CREATE INDEX {ix_post_search_words} ON {post_search} USING gin ((title_vector || content_vector))"],
        },
    ];

    protected override string RankedOrder => " ORDER BY score DESC, s.post_id";

    protected override Task AddAsync(IProjectionTables tables, IReadOnlyList<SearchEntry> posts, CancellationToken cancellationToken) => ExecuteAsync(
        tables,
        "INSERT INTO {post_search} (post_id, title, content, title_words, content_words, title_vector, content_vector)"
        + " SELECT post_id, title, content, title_words, content_words, setweight(CAST(title_vector AS tsvector), 'A'), CAST(content_vector AS tsvector)"
        + " FROM unnest(@ids, @titles, @contents, @titleWords, @contentWords, @titleVectors, @contentVectors)"
        + " AS i(post_id, title, content, title_words, content_words, title_vector, content_vector)",
        ["ids", "titles", "contents", "titleWords", "contentWords", "titleVectors", "contentVectors"],
        posts,
        post => [post.Id, post.Title!, post.Content!, SearchText.Words(post.Title!), SearchText.Words(post.Content!), VectorOf(post.Title!), VectorOf(post.Content!)],
        cancellationToken);

    protected override Task ChangeTitlesAsync(IProjectionTables tables, IReadOnlyList<SearchEntry> posts, CancellationToken cancellationToken) => ExecuteAsync(
        tables,
        "UPDATE {post_search} AS s SET title = i.title, title_words = i.title_words, title_vector = setweight(CAST(i.title_vector AS tsvector), 'A')"
        + " FROM unnest(@ids, @titles, @titleWords, @titleVectors) AS i(post_id, title, title_words, title_vector) WHERE s.post_id = i.post_id",
        ["ids", "titles", "titleWords", "titleVectors"],
        posts,
        post => [post.Id, post.Title!, SearchText.Words(post.Title!), VectorOf(post.Title!)],
        cancellationToken);

    protected override Task ChangeContentsAsync(IProjectionTables tables, IReadOnlyList<SearchEntry> posts, CancellationToken cancellationToken) => ExecuteAsync(
        tables,
        "UPDATE {post_search} AS s SET content = i.content, content_words = i.content_words, content_vector = CAST(i.content_vector AS tsvector)"
        + " FROM unnest(@ids, @contents, @contentWords, @contentVectors) AS i(post_id, content, content_words, content_vector) WHERE s.post_id = i.post_id",
        ["ids", "contents", "contentWords", "contentVectors"],
        posts,
        post => [post.Id, post.Content!, SearchText.Words(post.Content!), VectorOf(post.Content!)],
        cancellationToken);

    /// <summary>Runs a statement for as many posts at once as fit, each column one array.</summary>
    private static async Task ExecuteAsync(
        IProjectionTables tables, string sql, string[] names, IReadOnlyList<SearchEntry> posts, Func<SearchEntry, string[]> values, CancellationToken cancellationToken)
    {
        for (var start = 0; start < posts.Count;)
        {
            var rows = new List<string[]>();
            for (var length = 0L; start < posts.Count && length < MaxSetLength; start++)
            {
                rows.Add(values(posts[start]));
                length += posts[start].Bytes / sizeof(char);
            }

            object?[] columns = [.. names.Select((_, column) => rows.ConvertAll(row => row[column]).ToArray())];
            await tables.ExecuteManyAsync(sql, names, [columns], cancellationToken);
        }
    }

    protected override string AppendCondition(
        StringBuilder sql, DynamicParameters parameters, IReadOnlyList<SearchPhrase> wanted, IReadOnlyList<SearchPhrase> excluded)
    {
        sql.Append(Vector).Append(" @@ CAST(@wanted AS tsquery)");
        parameters.Add("wanted", string.Join(" & ", wanted.SelectMany(Lexemes)));
        AppendPhrases(wanted, "wanted", " AND (", ")");
        if (excluded.Where(phrase => phrase.Words.Count == 1).SelectMany(Lexemes).ToArray() is { Length: > 0 } words)
        {
            sql.Append(" AND NOT ").Append(Vector).Append(" @@ CAST(@excluded AS tsquery)");
            parameters.Add("excluded", string.Join(" | ", words));
        }

        AppendPhrases(excluded, "excluded", " AND NOT (", ")");

        // The default weights: 0.1 for D, 1 for A. The 1 divides by the logarithm of the post's length.
        return $"CAST(ts_rank({Vector}, CAST(@wanted AS tsquery), 1) AS double precision)";

        void AppendPhrases(IReadOnlyList<SearchPhrase> phrases, string name, string before, string after)
        {
            for (var index = 0; index < phrases.Count; index++)
            {
                if (phrases[index].Words.Count > 1)
                {
                    sql.Append(before).Append(CultureInfo.InvariantCulture, $"strpos(s.title_words, @{name}{index}) > 0 OR strpos(s.content_words, @{name}{index}) > 0").Append(after);
                    parameters.Add(string.Create(CultureInfo.InvariantCulture, $"{name}{index}"), phrases[index].Needle);
                }
            }
        }
    }

    /// <summary>A phrase's words as tsquery operands. They consist of letters, digits and marks, so that nothing needs escaping.</summary>
    private static IEnumerable<string> Lexemes(SearchPhrase phrase) =>
        phrase.Words.Select((word, index) => phrase.IsPrefix && index == phrase.Words.Count - 1 ? $"'{word}':*" : $"'{word}'");

    /// <summary>The words of a text as a tsvector is written, each with where it stands.</summary>
    private static string VectorOf(string text)
    {
        var positions = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        var lookup = positions.GetAlternateLookup<ReadOnlySpan<char>>();
        var position = 0;
        for (var reader = new SearchText.WordReader(text); reader.Read();)
        {
            position = Math.Min(position + 1, MaxPosition);
            if (!lookup.TryGetValue(reader.Word, out var known))
            {
                lookup[reader.Word] = [position];
            }
            else if (known.Count < MaxOccurrences && known[^1] < position)
            {
                known.Add(position);
            }
        }

        // A word takes its bytes, perhaps one to an even address, two for the number of positions and two for each.
        var hasPositions = positions.Sum(pair => Encoding.UTF8.GetByteCount(pair.Key) + 3 + (2 * pair.Value.Count)) <= MaxVectorBytes;
        var vector = new StringBuilder();
        var bytes = 0;
        foreach (var (word, places) in positions)
        {
            bytes += Encoding.UTF8.GetByteCount(word);
            if (bytes > MaxVectorBytes)
            {
                break;
            }

            vector.Append('\'').Append(word).Append('\'');
            if (hasPositions)
            {
                vector.Append(':').AppendJoin(',', places);
            }

            vector.Append(' ');
        }

        return vector.ToString();
    }
}

/// <summary>
/// SQL Server without its full-text component, which container images lack: terms are looked for in the text of words with LIKE, which
/// reads every post that the filters leave. A hit's score is the number of its terms in the content and ten times that in the title.
/// </summary>
internal sealed class SqlServerSearchIndex : ServerSearchIndex
{
    public override IReadOnlyList<ProjectionTable> Tables { get; } = [new("post_search", typeof(PostWordsRow))];

    protected override async Task AddAsync(IProjectionTables tables, IReadOnlyList<SearchEntry> posts, CancellationToken cancellationToken)
    {
        foreach (var post in posts)
        {
            await tables.ExecuteAsync(
                "INSERT INTO {post_search} (post_id, title, content, title_words, content_words) VALUES (@postId, @title, @content, @titleWords, @contentWords)",
                [("postId", post.Id), ("title", post.Title), ("content", post.Content), ("titleWords", SearchText.Words(post.Title!)), ("contentWords", SearchText.Words(post.Content!))],
                cancellationToken);
        }
    }

    protected override async Task ChangeTitlesAsync(IProjectionTables tables, IReadOnlyList<SearchEntry> posts, CancellationToken cancellationToken)
    {
        foreach (var post in posts)
        {
            await tables.ExecuteAsync(
                "UPDATE {post_search} SET title = @title, title_words = @titleWords WHERE post_id = @postId",
                [("postId", post.Id), ("title", post.Title), ("titleWords", SearchText.Words(post.Title!))],
                cancellationToken);
        }
    }

    protected override async Task ChangeContentsAsync(IProjectionTables tables, IReadOnlyList<SearchEntry> posts, CancellationToken cancellationToken)
    {
        foreach (var post in posts)
        {
            await tables.ExecuteAsync(
                "UPDATE {post_search} SET content = @content, content_words = @contentWords WHERE post_id = @postId",
                [("postId", post.Id), ("content", post.Content), ("contentWords", SearchText.Words(post.Content!))],
                cancellationToken);
        }
    }

    protected override string AppendCondition(
        StringBuilder sql, DynamicParameters parameters, IReadOnlyList<SearchPhrase> wanted, IReadOnlyList<SearchPhrase> excluded)
    {
        // Words consist of letters, digits and marks: none is a wildcard of LIKE.
        var score = new StringBuilder("CAST(0");
        sql.Append("1 = 1");
        for (var index = 0; index < wanted.Count; index++)
        {
            sql.Append(CultureInfo.InvariantCulture, $" AND (s.title_words LIKE @wanted{index} OR s.content_words LIKE @wanted{index})");
            score.Append(CultureInfo.InvariantCulture, $" + CASE WHEN s.title_words LIKE @wanted{index} THEN 10 ELSE 0 END + CASE WHEN s.content_words LIKE @wanted{index} THEN 1 ELSE 0 END");
            parameters.Add(string.Create(CultureInfo.InvariantCulture, $"wanted{index}"), $"%{wanted[index].Needle}%");
        }

        for (var index = 0; index < excluded.Count; index++)
        {
            sql.Append(CultureInfo.InvariantCulture, $" AND NOT (s.title_words LIKE @excluded{index} OR s.content_words LIKE @excluded{index})");
            parameters.Add(string.Create(CultureInfo.InvariantCulture, $"excluded{index}"), $"%{excluded[index].Needle}%");
        }

        return score.Append(" AS float)").ToString();
    }
}
