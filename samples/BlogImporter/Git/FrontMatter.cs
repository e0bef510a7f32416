using System.Globalization;
using System.Text;

namespace BlogImporter;

/// <summary>
/// What a file says about itself at its top: YAML between lines <c>---</c>, or TOML between lines <c>+++</c>. Read line by line, for the
/// keys <c>title</c>, <c>author</c> and <c>authors</c> at the top level only: plain and quoted values, lists in brackets (in TOML over several
/// lines) and YAML lists with a dash on each line. YAML's block texts, anchors and nested maps are passed over.
/// </summary>
/// <param name="Title">The title; null where there is none.</param>
/// <param name="Authors">The authors; may be empty.</param>
internal sealed record FrontMatter(string? Title, IReadOnlyList<string> Authors)
{
    private static readonly FrontMatter None = new(Title: null, []);

    /// <summary>The front matter, and the text behind it; the whole text where there is none or where it does not end.</summary>
    public static (FrontMatter Matter, string Content) Split(string text)
    {
        var position = text.StartsWith('\uFEFF') ? 1 : 0;
        var fence = NextLine(text, ref position).TrimEnd();
        if (fence is not ("---" or "+++"))
        {
            return (None, text);
        }

        var lines = new List<string>();
        while (position < text.Length)
        {
            var line = NextLine(text, ref position);
            if (line.TrimEnd() == fence)
            {
                return (fence == "---" ? FromYaml(lines) : FromToml(lines), text[position..]);
            }

            lines.Add(line);
        }

        return (None, text);
    }

    private static FrontMatter FromYaml(List<string> lines)
    {
        var values = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        for (var i = 0; i < lines.Count; i++)
        {
            var colon = lines[i].IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || char.IsWhiteSpace(lines[i][0]) || lines[i][0] is '#' or '-')
            {
                continue;
            }

            var value = lines[i][(colon + 1)..].Trim();
            if (value.Length == 0)
            {
                var items = lines.Skip(i + 1).Select(line => line.Trim()).TakeWhile(line => line.StartsWith("- ", StringComparison.Ordinal));
                values[lines[i][..colon].Trim()] = [.. items.SelectMany(item => Values(item[2..], "#"))];
            }
            else if (value[0] is not ('|' or '>' or '&' or '*' or '{' or '#'))
            {
                values[lines[i][..colon].Trim()] = Values(value, " #");
            }
        }

        return From(values);
    }

    private static FrontMatter FromToml(List<string> lines)
    {
        var values = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        for (var i = 0; i < lines.Count && !lines[i].TrimStart().StartsWith('['); i++)
        {
            var equals = lines[i].IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || lines[i].TrimStart().StartsWith('#'))
            {
                continue;
            }

            var key = lines[i][..equals].Trim();
            var value = lines[i][(equals + 1)..].Trim();
            while (value.StartsWith('[') && !value.Contains(']', StringComparison.Ordinal) && i + 1 < lines.Count)
            {
                value += " " + lines[++i].Trim();
            }

            values[key] = Values(value, "#");
        }

        return From(values);
    }

    private static FrontMatter From(Dictionary<string, IReadOnlyList<string>> values)
    {
        var title = values.TryGetValue("title", out var titles) && titles.Count > 0 ? titles[0] : null;
        return new FrontMatter(title, values.GetValueOrDefault("authors") ?? values.GetValueOrDefault("author") ?? []);
    }

    /// <summary>A value, or the values of a list in brackets. A plain one ends at the comment mark given.</summary>
    private static List<string> Values(string text, string commentMark)
    {
        var values = new List<string>();
        var isList = text.StartsWith('[');
        var position = isList ? 1 : 0;
        while (position < text.Length && !(isList && text[position] == ']'))
        {
            if (char.IsWhiteSpace(text[position]) || (isList && text[position] == ','))
            {
                position++;
                continue;
            }

            values.Add(text[position] is '"' or '\'' ? Quoted(text, ref position) : Plain(text, ref position, isList, commentMark));
            if (!isList)
            {
                break;
            }
        }

        return [.. values.Where(value => value.Length > 0)];
    }

    private static string Plain(string text, ref int position, bool isList, string commentMark)
    {
        var end = isList ? text.AsSpan(position).IndexOfAny(',', ']') : text.AsSpan(position).IndexOf(commentMark, StringComparison.Ordinal);
        var value = end < 0 ? text[position..] : text[position..(position + end)];
        position += value.Length;
        return value.Trim();
    }

    /// <summary>A quoted value: double quotes with the escapes that YAML and TOML share, single quotes with '' for one of them.</summary>
    private static string Quoted(string text, ref int position)
    {
        var quote = text[position++];
        var value = new StringBuilder();
        for (; position < text.Length; position++)
        {
            var c = text[position];
            var isDoubled = c == '\'' && quote == '\'' && position + 1 < text.Length && text[position + 1] == '\'';
            if (c == quote && !isDoubled)
            {
                position++;
                break;
            }

            if (isDoubled)
            {
                position++;
                value.Append('\'');
            }
            else if (c == '\\' && quote == '"' && position + 1 < text.Length)
            {
                position++;
                value.Append(Escaped(text, ref position));
            }
            else
            {
                value.Append(c);
            }
        }

        return value.ToString();
    }

    /// <summary>What an escape stands for; the position is left on its last character.</summary>
    private static string Escaped(string text, ref int position)
    {
        var digits = text[position] switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0)
        {
            if (position + digits < text.Length
                && uint.TryParse(text.AsSpan(position + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
                && Rune.TryCreate(code, out var rune))
            {
                position += digits;
                return rune.ToString();
            }

            return "\uFFFD";
        }

        return text[position] switch
        {
            'n' => "\n",
            't' => "\t",
            'r' => "\r",
            'b' => "\b",
            'f' => "\f",
            '0' => "\0",
            var other => other.ToString(),
        };
    }

    /// <summary>The line at the position, without its end; the position moves behind it.</summary>
    private static string NextLine(string text, ref int position)
    {
        var end = text.IndexOf('\n', position);
        var line = end < 0 ? text[position..] : text[position..end];
        position = end < 0 ? text.Length : end + 1;
        return line;
    }
}
