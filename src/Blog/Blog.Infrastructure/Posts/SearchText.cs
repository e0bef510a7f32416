using System.Globalization;
using System.Text;
using Blog.Application.Posts;

namespace Blog.Infrastructure.Posts;

/// <summary>
/// Takes texts apart into words where the database does not, by the rules that SQLite's FTS5 goes by: a word is a run of letters,
/// digits and the marks on them; case does not count, nor do accents on Latin letters. That the service does it makes search find the
/// same whatever the server's version, locale and extensions are.
/// </summary>
internal static class SearchText
{
    /// <summary>Where words are kept as one text, a space stands before, between and behind them.</summary>
    public const char Separator = ' ';

    /// <summary>Words are told apart by their beginnings of this many UTF-16 units; PostgreSQL takes at most 2,046 bytes.</summary>
    private const int MaxWordLength = 255;

    // What a snippet shows of the content around the first match, in characters, the marks counted.
    private const int SnippetBefore = 60;
    private const int SnippetLength = 320;

    // Lower-case letters that are an ASCII letter with accents (Unicode's canonical decomposition), each line behind that letter. The
    // runtime is in invariant globalisation, in which string.Normalize leaves them alone.
    private const string AccentedLetters =
        """
        aàáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ
        bḃḅḇ
        cçćĉċčḉ
        dďḋḍḏḑḓ
        eèéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ
        fḟ
        gĝğġģǧǵḡ
        hĥȟḣḥḧḩḫẖ
        iìíîïĩīĭįİǐȉȋḭḯỉị
        jĵǰ
        kķǩḱḳḵ
        lĺļľḷḹḻḽ
        mḿṁṃ
        nñńņňǹṅṇṉṋ
        oòóôõöōŏőơǒǫǭȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ
        pṕṗ
        rŕŗřȑȓṙṛṝṟ
        sśŝşšșṡṣṥṧṩ
        tţťțṫṭṯṱẗ
        uùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự
        vṽṿ
        wŵẁẃẅẇẉẘ
        xẋẍ
        yýÿŷȳẏẙỳỵỷỹ
        zźżžẑẓẕ
        """;

    private static readonly Dictionary<char, char> Plain = AccentedLetters.Split('\n')
        .SelectMany(line => line.Skip(1), (line, accented) => (accented, line[0])).ToDictionary(pair => pair.accented, pair => pair.Item2);

    /// <summary>The words of a text, in order, as one text.</summary>
    public static string Words(string text)
    {
        var words = new StringBuilder(text.Length + 2).Append(Separator);
        for (var reader = new WordReader(text); reader.Read();)
        {
            words.Append(reader.Word).Append(Separator);
        }

        return words.ToString();
    }

    /// <summary>A title with its matches marked.</summary>
    public static string Mark(string text, IReadOnlyList<SearchPhrase> wanted) => Mark(text, FindMatches(text, wanted, text.Length), 0, text.Length);

    /// <summary>The part of a content around its first match, or its beginning, with matches marked.</summary>
    public static string Snippet(string text, IReadOnlyList<SearchPhrase> wanted)
    {
        // A character is at most two UTF-16 units, so that what is marked goes beyond the snippet unless the text ends before.
        var matches = FindMatches(text, wanted, 2 * SnippetLength);
        var start = matches.Count == 0 ? 0 : Back(text, matches[0].Start, SnippetBefore);
        var marked = Mark(text, matches, start, Math.Min(text.Length, start + (2 * SnippetLength) + 2));
        var end = Forward(marked, SnippetLength);
        return (start > 0 ? "…" : "") + marked[..end] + (end == marked.Length ? "" : "…");
    }

    /// <summary>Where the text matches, from the first match on to so many units behind its beginning; matches that overlap are one.</summary>
    private static List<(int Start, int End)> FindMatches(string text, IReadOnlyList<SearchPhrase> wanted, int length)
    {
        var matches = new List<(int Start, int End)>();
        var last = new (string Word, int Start)[wanted.Max(phrase => phrase.Words.Count)];
        var count = 0;
        for (var reader = new WordReader(text); reader.Read() && (matches.Count == 0 || reader.Start < matches[0].Start + length);)
        {
            last[count++ % last.Length] = (last.Length == 1 ? "" : reader.Word.ToString(), reader.Start);
            foreach (var phrase in wanted)
            {
                var size = phrase.Words.Count;
                if (count < size || !phrase.EndsWith(reader.Word) || !Enumerable.Range(1, size - 1).All(back => last[(count - 1 - back) % last.Length].Word == phrase.Words[^(back + 1)]))
                {
                    continue;
                }

                var start = last[(count - size) % last.Length].Start;
                while (matches.Count > 0 && matches[^1].End > start)
                {
                    start = Math.Min(start, matches[^1].Start);
                    matches.RemoveAt(matches.Count - 1);
                }

                matches.Add((start, reader.End));
            }
        }

        return matches;
    }

    private static string Mark(string text, List<(int Start, int End)> matches, int start, int end)
    {
        var marked = new StringBuilder(end - start + (2 * matches.Count));
        foreach (var match in matches.Where(match => match.Start < end))
        {
            marked.Append(text, start, match.Start - start).Append(MatchMarks.Begin)
                .Append(text, match.Start, Math.Min(match.End, end) - match.Start).Append(MatchMarks.End);
            start = Math.Min(match.End, end);
        }

        return marked.Append(text, start, end - start).ToString();
    }

    private static int Back(string text, int index, int characters)
    {
        for (; characters > 0 && index > 0; characters--)
        {
            index -= index > 1 && char.IsSurrogatePair(text[index - 2], text[index - 1]) ? 2 : 1;
        }

        return index;
    }

    private static int Forward(string text, int characters)
    {
        var index = 0;
        for (; characters > 0 && index < text.Length; characters--)
        {
            index += index + 1 < text.Length && char.IsSurrogatePair(text[index], text[index + 1]) ? 2 : 1;
        }

        return index;
    }

    /// <summary>Goes through the words of a text.</summary>
    public ref struct WordReader(string text)
    {
        private readonly char[] word = new char[MaxWordLength];
        private int length;

        public int Start { get; private set; }

        public int End { get; private set; }

        /// <summary>The word as it is compared: lower case, without accents, cut where it is too long.</summary>
        public readonly ReadOnlySpan<char> Word => word.AsSpan(0, length);

        public bool Read()
        {
            length = 0;
            var rest = text.AsSpan(End);
            while (!rest.IsEmpty)
            {
                Rune.DecodeFromUtf16(rest, out var rune, out var consumed);
                var isMark = IsMark(rune);
                if (length > 0 ? !isMark && !IsWord(rune) : isMark || !IsWord(rune))
                {
                    if (length > 0)
                    {
                        return true;
                    }
                }
                else
                {
                    if (length == 0)
                    {
                        Start = End;
                    }

                    Append(rune);
                }

                End += consumed;
                rest = rest[consumed..];
            }

            return length > 0;
        }

        private void Append(Rune rune)
        {
            // Going by the capital letter makes one of letters that share it, such as the two small sigmas.
            var folded = rune.IsAscii ? Rune.ToLowerInvariant(rune) : Rune.ToLowerInvariant(Rune.ToUpperInvariant(rune));
            if (!rune.IsAscii && folded.IsBmp && Plain.TryGetValue((char)folded.Value, out var plain))
            {
                folded = new Rune(plain);
            }

            // U+0300 to U+036F are accents that stand alone.
            if (rune.Value is (< 0x300 or > 0x36F) && length + folded.Utf16SequenceLength <= MaxWordLength)
            {
                length += folded.EncodeToUtf16(word.AsSpan(length));
            }
        }

        private static bool IsWord(Rune rune) => rune.IsAscii
            ? char.IsAsciiLetterOrDigit((char)rune.Value)
            : Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber or UnicodeCategory.PrivateUse;

        private static bool IsMark(Rune rune) => !rune.IsAscii
            && Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;
    }
}

/// <summary>One term of a search as words.</summary>
/// <param name="Words">The words, at least one; they must stand in this order without others between.</param>
/// <param name="IsPrefix">Whether the last one is only a beginning.</param>
internal sealed record SearchPhrase(IReadOnlyList<string> Words, bool IsPrefix)
{
    /// <summary>The words in the form of <see cref="SearchText.Words"/>, to look for in it.</summary>
    public string Needle => SearchText.Separator + string.Join(SearchText.Separator, Words) + (IsPrefix ? "" : SearchText.Separator);

    /// <summary>The terms of a query that are wanted, or those that are excluded.</summary>
    public static IReadOnlyList<SearchPhrase> Of(string query, bool excluded) =>
        [.. SearchTerm.Parse(query).Where(term => term.Excluded == excluded).Select(Of).Where(phrase => phrase.Words.Count > 0)];

    public bool EndsWith(ReadOnlySpan<char> word) => IsPrefix ? word.StartsWith(Words[^1], StringComparison.Ordinal) : word.SequenceEqual(Words[^1]);

    private static SearchPhrase Of(SearchTerm term) =>
        new(SearchText.Words(term.Text).Split(SearchText.Separator, StringSplitOptions.RemoveEmptyEntries), term.IsPrefix);
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
