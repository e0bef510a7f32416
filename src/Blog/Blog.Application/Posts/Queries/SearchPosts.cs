using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>A page of the posts whose title or content has the words, the best match first. Answered from the read database.</summary>
public sealed record SearchPosts(string Query, IReadOnlyList<PostStatus> Statuses, string Tag, int PageSize, string PageToken) : IValidatable
{
    /// <summary>The largest page.</summary>
    public const int MaxPageSize = 100;

    /// <summary>The page size where none is given.</summary>
    public const int DefaultPageSize = 20;

    /// <summary>The longest query, in characters, which are Unicode code points.</summary>
    public const int MaxQueryLength = 500;

    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(
        ("query", CheckQuery(Query)),
        ("page_size", PostFields.CheckPageSize(PageSize, MaxPageSize)),
        ("statuses", Statuses.All(status => status is >= PostStatus.Draft and <= PostStatus.Archived) ? null : "Must be draft, published or archived; deleted posts are not searched."),
        ("tag", Tag.Length == 0 ? null : PostRules.CheckTag(Tag)));

    private static string? CheckQuery(string query)
    {
        if (string.IsNullOrWhiteSpace(query) || query.Length > 2 * MaxQueryLength || query.EnumerateRunes().Count() > MaxQueryLength)
        {
            return $"Must be 1-{MaxQueryLength} characters and not blank.";
        }

        return SearchTerm.Parse(query).Any(term => !term.Excluded)
            ? null
            : "Must hold at least one word to look for: a letter or digit that does not follow a minus.";
    }
}

/// <summary>A hit.</summary>
/// <param name="Post">The post.</param>
/// <param name="Score">How well it matches; larger is better.</param>
/// <param name="Title">The title, cut at matches.</param>
/// <param name="Content">The part of the content around its first match, cut at matches.</param>
public sealed record SearchHitView(
    PostView Post, double Score, IReadOnlyList<TextFragment> Title, IReadOnlyList<TextFragment> Content);

/// <summary>One term of a search: a word, a beginning of a word, or several words in order.</summary>
/// <param name="Text">The word or words.</param>
/// <param name="IsPrefix">Whether the last word is only a beginning.</param>
/// <param name="Excluded">Whether posts with it are left out.</param>
public sealed record SearchTerm(string Text, bool IsPrefix, bool Excluded)
{
    /// <summary>
    /// Takes a query apart: words, "words in quotes", word*, -word. Nothing is an error: a quote left open ends with the query, and
    /// a term without a letter or digit is passed over.
    /// </summary>
    public static IReadOnlyList<SearchTerm> Parse(string query)
    {
        ArgumentNullException.ThrowIfNull(query);
        var terms = new List<SearchTerm>();
        var index = 0;
        while (index < query.Length)
        {
            if (char.IsWhiteSpace(query[index]))
            {
                index++;
                continue;
            }

            var excluded = query[index] == '-';
            var start = excluded ? index + 1 : index;
            var isQuoted = start < query.Length && query[start] == '"';
            var end = isQuoted ? query.IndexOf('"', start + 1) : EndOfWord(query, start);
            end = end < 0 ? query.Length : end;
            var text = query[Math.Min(isQuoted ? start + 1 : start, end)..end];
            index = isQuoted ? Math.Min(end + 1, query.Length) : end;
            var isPrefix = isQuoted ? index < query.Length && query[index] == '*' : text.EndsWith('*');
            index += isQuoted && isPrefix ? 1 : 0;
            if (text.EnumerateRunes().Any(System.Text.Rune.IsLetterOrDigit))
            {
                terms.Add(new SearchTerm(text.TrimEnd('*'), isPrefix, excluded));
            }
        }

        return terms;
    }

    private static int EndOfWord(string query, int start)
    {
        var end = start;
        while (end < query.Length && !char.IsWhiteSpace(query[end]) && query[end] != '"')
        {
            end++;
        }

        return end;
    }
}
