using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiffPlex;
using DiffPlex.DiffBuilder;
using DiffPlex.DiffBuilder.Model;

namespace GrpcCqrs.EventSourcing;

/// <summary>One field of a state that an event changed.</summary>
/// <param name="Field">The field's name, as the aggregate's snapshots call it.</param>
/// <param name="Before">The value before, as JSON or, of a short text, the text; empty where there was none or <paramref name="Difference"/> tells.</param>
/// <param name="After">The value after, likewise.</param>
/// <param name="Difference">For long texts, the changed lines behind + and -, with some unchanged ones around; else empty.</param>
public sealed record FieldChange(string Field, string Before, string After, string Difference);

/// <summary>Tells in a readable way how two states differ, by way of their snapshots' JSON.</summary>
public static class StateChanges
{
    /// <summary>Texts up to this many characters on one line are told whole.</summary>
    private const int MaxWhole = 200;

    /// <summary>How many unchanged lines are told around a change.</summary>
    private const int Context = 2;

    /// <summary>
    /// Texts with more characters together than this are not compared line by line, which takes time with the square of their
    /// difference; that they were replaced is all that is told.
    /// </summary>
    private const int MaxCompared = 200_000;

    /// <summary>The same bound in lines.</summary>
    private const int MaxComparedLines = 4_000;

    /// <summary>Where a line of a difference is cut off.</summary>
    private const int MaxLine = 500;

    /// <summary>Where a difference is cut off; who needs more compares the two states.</summary>
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
