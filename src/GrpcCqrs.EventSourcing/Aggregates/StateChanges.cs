using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiffPlex;
using DiffPlex.DiffBuilder;
using DiffPlex.DiffBuilder.Model;

namespace GrpcCqrs.EventSourcing;

/// <summary>One field of a state that an event changed.</summary>
/// <param name="Field">The field's name in the aggregate's snapshots.</param>
/// <param name="Before">
/// The value before, as JSON, or as plain text for a short text. Empty if there was none or if <paramref
/// name="Difference"/> is set.
/// </param>
/// <param name="After">The value after, likewise.</param>
/// <param name="Difference">
/// For long texts: the changed lines, prefixed with + or -, and some unchanged lines around them. Otherwise empty.
/// </param>
public sealed record FieldChange(string Field, string Before, string After, string Difference);

/// <summary>Describes readably how two states differ, by comparing the JSON of their snapshots.</summary>
public static class StateChanges
{
    /// <summary>Single-line texts up to this many characters are shown whole.</summary>
    private const int MaxWhole = 200;

    /// <summary>How many unchanged lines are shown around a change.</summary>
    private const int Context = 2;

    /// <summary>
    /// Texts with more characters than this in total are not compared line by line, which takes time quadratic in their
    /// difference. They are only reported as replaced.
    /// </summary>
    private const int MaxCompared = 200_000;

    /// <summary>The same limit in lines.</summary>
    private const int MaxComparedLines = 4_000;

    /// <summary>Lines of a difference are truncated to this length.</summary>
    private const int MaxLine = 500;

    /// <summary>Differences are truncated to this many lines; for the rest, compare the two states.</summary>
    private const int MaxLines = 200;

    /// <summary>The fields in which two states differ, in the order of the later state.</summary>
    public static IReadOnlyList<FieldChange> Between<TAggregate>(ISnapshots<TAggregate> snapshots, TAggregate before, TAggregate after)
        where TAggregate : class
    {
        ArgumentNullException.ThrowIfNull(snapshots);
        var (old, now) = (Fields(snapshots.Write(before)), Fields(snapshots.Write(after)));
        return
        [
            .. now.Select(field => field.Key).Union(old.Select(field => field.Key), StringComparer.Ordinal)
                .Where(name => !JsonNode.DeepEquals(old[name], now[name]))
                .Select(name => Change(name, Text(old[name]), Text(now[name]))),
        ];
    }

    private static JsonObject Fields(byte[] json) =>
        JsonNode.Parse(json) as JsonObject ?? throw new JsonException("A snapshot must be a JSON object.");

    private static string Text(JsonNode? value) => value switch
    {
        null => "",
        JsonValue single when single.TryGetValue<string>(out var text) => text,
        _ => value.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }),
    };

    private static FieldChange Change(string field, string before, string after) =>
        IsWhole(before) && IsWhole(after)
            ? new FieldChange(field, before, after, "")
            : new FieldChange(field, "", "", Lines(before, after));

    private static bool IsWhole(string text) => text.Length <= MaxWhole && !text.Contains('\n', StringComparison.Ordinal);

    private static int CountLines(string text) => text.AsSpan().Count('\n');

    private static string Lines(string before, string after)
    {
        if (before.Length + after.Length > MaxCompared || CountLines(before) + CountLines(after) > MaxComparedLines)
        {
            return string.Create(CultureInfo.InvariantCulture, $"… replaced: {before.Length} characters by {after.Length}\n");
        }

        var lines = new InlineDiffBuilder(new Differ()).BuildDiffModel(before, after, ignoreWhitespace: false).Lines;
        var text = new StringBuilder();
        var (told, lastTold) = (0, -1);
        for (var index = 0; index < lines.Count && told < MaxLines; index++)
        {
            var isNear = Enumerable.Range(index - Context, (2 * Context) + 1)
                .Any(near => near >= 0 && near < lines.Count && lines[near].Type is not ChangeType.Unchanged);
            if (!isNear)
            {
                continue;
            }

            text.Append(index > lastTold + 1 ? "…\n" : "").Append(lines[index].Type switch
            {
                ChangeType.Inserted => "+ ",
                ChangeType.Deleted => "- ",
                _ => "  ",
            }).Append(lines[index].Text.Length > MaxLine ? lines[index].Text[..MaxLine] + "…" : lines[index].Text).Append('\n');
            (told, lastTold) = (told + 1, index);
        }

        return text.Append(told == MaxLines ? "…\n" : "").ToString();
    }
}
