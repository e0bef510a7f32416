using System.Text;

namespace BlogImporter;

/// <summary>The one author field of a post, made from any number of names.</summary>
internal static class AuthorLine
{
    /// <summary>The longest author that the service takes, in code points.</summary>
    public const int MaxLength = 200;

    private const string AndOthers = " et al.";

    /// <summary>
    /// The names joined with a comma and a space; without names, who made the change; without that, <c>unknown</c>. Where the names
    /// do not fit into 200 characters: as many whole names as fit with " et al." behind them. A single longer name is cut.
    /// </summary>
    public static string From(IEnumerable<string?> authors, string? changedBy)
    {
        var names = authors.Select(name => name?.Trim() ?? "").Where(name => name.Length > 0).ToList();
        if (names.Count == 0)
        {
            return string.IsNullOrWhiteSpace(changedBy) ? "unknown" : Cut(changedBy.Trim());
        }

        var all = string.Join(", ", names);
        for (var kept = names.Count - 1; Length(all) > MaxLength && kept > 0; kept--)
        {
            all = string.Join(", ", names.Take(kept)) + AndOthers;
        }

        return Cut(all);
    }

    private static int Length(string text) => text.EnumerateRunes().Count();

    private static string Cut(string text)
    {
        if (Length(text) <= MaxLength)
        {
            return text;
        }

        var cut = new StringBuilder();
        foreach (var rune in text.EnumerateRunes().Take(MaxLength))
        {
            cut.Append(rune.ToString());
        }

        return cut.ToString();
    }
}
