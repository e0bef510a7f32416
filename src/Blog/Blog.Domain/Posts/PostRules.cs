using System.Globalization;
using System.Text;

namespace Blog.Domain.Posts;

/// <summary>
/// What a post's fields may hold. Each check returns what is wrong in a sentence, or null. Characters are Unicode code points.
/// </summary>
public static class PostRules
{
    /// <summary>The longest title and author, in characters.</summary>
    public const int MaxTitleLength = 200;

    /// <summary>The largest content, in bytes of UTF-8: 1 MiB.</summary>
    public const int MaxContentBytes = 1024 * 1024;

    /// <summary>The longest slug, in characters.</summary>
    public const int MaxSlugLength = 100;

    /// <summary>The most tags that a post has.</summary>
    public const int MaxTags = 20;

    /// <summary>The longest tag, in characters.</summary>
    public const int MaxTagLength = 50;

    /// <summary>A post id: a UUID.</summary>
    public static string? CheckId(string id) =>
        id.Length == 36 && id.All(c => c == '-' || char.IsAsciiHexDigit(c)) && Guid.TryParseExact(id, "D", out _) ? null : "Must be a UUID, such as 0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11.";

    /// <summary>A title: 1-200 characters, not blank, no U+0000.</summary>
    public static string? CheckTitle(string title) => CheckLine(title, MaxTitleLength);

    /// <summary>An author: 1-200 characters, not blank, no U+0000.</summary>
    public static string? CheckAuthor(string author) => CheckLine(author, MaxTitleLength);

    /// <summary>A content: at most 1 MiB, no U+0000.</summary>
    public static string? CheckContent(string content)
    {
        ArgumentNullException.ThrowIfNull(content);
        if (content.Length > MaxContentBytes || Encoding.UTF8.GetByteCount(content) > MaxContentBytes)
        {
            return "Must be at most 1 MiB of UTF-8.";
        }

        return CheckNoNull(content);
    }

    /// <summary>A slug: 1-100 of a-z, 0-9 and single hyphens inside.</summary>
    public static string? CheckSlug(string slug)
    {
        ArgumentNullException.ThrowIfNull(slug);
        var isWellFormed = slug.Length is >= 1 and <= MaxSlugLength
            && slug[0] != '-' && slug[^1] != '-'
            && !slug.Contains("--", StringComparison.Ordinal)
            && slug.All(c => c is '-' or (>= 'a' and <= 'z') or (>= '0' and <= '9'));
        return isWellFormed ? null : "Must be 1-100 of a-z, 0-9 and single hyphens, with no hyphen at either end.";
    }

    /// <summary>A tag, once normalised: 1-50 letters, digits and - . + #, starting with a letter or digit.</summary>
    public static string? CheckTag(string tag)
    {
        ArgumentNullException.ThrowIfNull(tag);
        const string problem = "Must be 1-50 letters, digits and - . + #, starting with a letter or digit.";
        if (tag.Length > 10 * MaxTagLength)
        {
            return problem;
        }

        var normalized = NormalizeTag(tag);
        var length = 0;
        foreach (var rune in normalized.EnumerateRunes())
        {
            var isWord = Rune.IsLetterOrDigit(rune);
            var isInner = length > 0 && (rune.Value is '-' or '.' or '+' or '#' || IsMark(rune));
            length++;
            if (!isWord && !isInner)
            {
                length = -1;
                break;
            }
        }

        return length is >= 1 and <= MaxTagLength
            ? null
            : problem;
    }

    /// <summary>The form in which tags are kept: trimmed, lower case, inner white space as one hyphen.</summary>
    public static string NormalizeTag(string tag)
    {
        ArgumentNullException.ThrowIfNull(tag);
        return string.Join('-', tag.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).ToLowerInvariant();
    }

    /// <summary>
    /// A slug made from a title: its Latin letters without accents and its digits in lower case, all else as hyphens, cut at 80
    /// characters. <c>post</c> where nothing remains, as for a title in another script.
    /// </summary>
    public static string SlugFrom(string title)
    {
        ArgumentNullException.ThrowIfNull(title);
        const int maxGenerated = 80;
        var slug = new StringBuilder(Math.Min(title.Length, maxGenerated));
        foreach (var c in title)
        {
            var lower = WithoutAccent(char.ToLowerInvariant(c));
            if (lower is (>= 'a' and <= 'z') or (>= '0' and <= '9'))
            {
                slug.Append(lower);
            }
            else if (slug.Length > 0 && slug[^1] != '-' && char.GetUnicodeCategory(c) != UnicodeCategory.NonSpacingMark && c is not ('\'' or '’'))
            {
                slug.Append('-');
            }

            if (slug.Length >= maxGenerated)
            {
                break;
            }
        }

        var text = slug.ToString().Trim('-');
        return text.Length > 0 ? text : "post";
    }

    private static string? CheckLine(string text, int maxLength)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (string.IsNullOrWhiteSpace(text))
        {
            return $"Must be 1-{maxLength} characters and not blank.";
        }

        // A character is one or two UTF-16 units, so that the cheap comparison settles most cases.
        if (text.Length > maxLength && (text.Length > 2 * maxLength || text.EnumerateRunes().Count() > maxLength))
        {
            return $"Must be 1-{maxLength} characters and not blank.";
        }

        return CheckNoNull(text);
    }

    // The runtime is in invariant-globalisation mode, so that no ICU needs to be installed; string.Normalize then takes no accents
    // off, and these are the letters of Latin-1 and Latin Extended-A.
    private const string Accented = "àáâãäåāăąæçćĉċčďđðèéêëēĕėęěĝğġģĥħìíîïĩīĭįıĵķĺļľŀłñńņňŋòóôõöøōŏőœŕŗřśŝşšșßţťŧțþùúûüũūŭůűųŵýÿŷźżž";
    private const string Plain = "aaaaaaaaaacccccdddeeeeeeeeegggghhiiiiiiiiijklllllnnnnnoooooooooorrrsssssstttttuuuuuuuuuuwyyyzzz";

    private static char WithoutAccent(char c)
    {
        var index = c < 128 ? -1 : Accented.IndexOf(c, StringComparison.Ordinal);
        return index < 0 ? c : Plain[index];
    }

    // PostgreSQL cannot hold U+0000 in text, and what one database refuses no other should accept.
    private static string? CheckNoNull(string text) =>
        text.Contains('\0', StringComparison.Ordinal) ? "Must not contain the character U+0000." : null;

    private static bool IsMark(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;
}
