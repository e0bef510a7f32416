namespace BlogImporter;

/// <summary>A Markdown file read as a post.</summary>
/// <param name="Title">The front matter's title; without one the first heading <c># …</c>; without one the file's name.</param>
/// <param name="Authors">The front matter's <c>authors</c> or <c>author</c>; may be empty.</param>
/// <param name="Content">What stands behind the front matter, or the whole file where there is none, character for character.</param>
internal sealed record MarkdownPost(string Title, IReadOnlyList<string> Authors, string Content)
{
    /// <summary>Reads a file.</summary>
    /// <param name="text">The whole file.</param>
    /// <param name="fileName">The file's name without extension.</param>
    public static MarkdownPost Parse(string text, string fileName)
    {
        var (matter, content) = FrontMatter.Split(text);
        var title = matter.Title is { } given && !string.IsNullOrWhiteSpace(given) ? given : FirstHeading(content) ?? fileName;
        return new MarkdownPost(title, matter.Authors, content);
    }

    /// <summary>The first heading of level 1 outside of fenced code.</summary>
    private static string? FirstHeading(string content)
    {
        var isCode = false;
        foreach (var line in content.AsSpan().TrimStart('\uFEFF').EnumerateLines())
        {
            if (line.StartsWith("```") || line.StartsWith("~~~"))
            {
                isCode = !isCode;
            }
            else if (!isCode && line.StartsWith("# ") && line[2..].Trim().TrimEnd('#').TrimEnd() is { IsEmpty: false } heading)
            {
                return heading.ToString();
            }
        }

        return null;
    }
}
