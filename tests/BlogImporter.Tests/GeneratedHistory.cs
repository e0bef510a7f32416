using System.Runtime.CompilerServices;

namespace BlogImporter.Tests;

/// <summary>A history made of items, which can do something else on the way.</summary>
/// <param name="items">The items.</param>
/// <param name="beforeItem">Called with the number of the item to come.</param>
internal sealed class GeneratedHistory(IReadOnlyList<HistoryItem> items, Func<int, Task>? beforeItem = null) : IHistory
{
    public const int BodySize = 500_000;

    public static readonly string[] OddTitles =
    [
        "  blanks around  ", "\"quotes\" & 'more' <b>html</b> [markup]", "Русский, 日本語, العربية", "e\u0301 is not é", "👩‍👩‍👧‍👦 🦀",
        "tab\tand\u00A0no-break", "\u202Eright to left", new string('ж', 200), "{{braces}} %s $(x) `y`", "ends in a dot.",
    ];

    public double Progress { get; private set; }

    /// <summary>
    /// A history of <paramref name="posts"/> posts with interleaved edits: odd titles, text in several scripts with both kinds of line
    /// end, one body of 500 KB, every seventh post deleted, every fourteenth created again.
    /// </summary>
    public static List<HistoryItem> Make(int posts)
    {
        var rounds = Enumerable.Range(0, posts).Select(Edits).ToList();
        var items = new List<HistoryItem>();
        for (var round = 0; rounds.Any(edits => round < edits.Count); round++)
        {
            items.AddRange(rounds.Where(edits => round < edits.Count).Select(edits => edits[round]));
        }

        return items;
    }

    public async IAsyncEnumerable<HistoryItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var i = 0; i < items.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (beforeItem is not null)
            {
                await beforeItem(i);
            }

            Progress = (i + 1.0) / items.Count;
            yield return items[i];
        }
    }

    private static List<HistoryItem> Edits(int number)
    {
        var post = $"Post.{number}";
        var place = $"post {number}";
        var title = OddTitles[number % OddTitles.Length];
        var body = number == 3 ? string.Concat(Enumerable.Repeat("пятьсот килобайт ", BodySize / 31)) : $"# {number}\r\n\nпривет, 世界, 🦀\n";
        List<HistoryItem> edits =
        [
            new PostEdit(place, post, EditKind.Create, title, body, "Ann, Bob"),
            new PostEdit(place, post, EditKind.Content, Content: body + "one\n"),
            new PostEdit(place, post, EditKind.Content, Content: body + "two\r\n"),
            new PostEdit(place, post, EditKind.Content, Content: body + "two\r\n"),
            new PostEdit(place, post, EditKind.Title, Title: OddTitles[(number + 1) % OddTitles.Length]),
            new PostEdit(place, post, EditKind.Content, Content: ""),
        ];
        if (number % 7 == 0)
        {
            edits.Add(new PostEdit(place, post, EditKind.Delete));
        }

        if (number % 14 == 0)
        {
            edits.Add(new PostEdit(place, post, EditKind.Create, title, "again", "Carl"));
        }

        return edits;
    }
}
