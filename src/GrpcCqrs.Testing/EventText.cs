using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace GrpcCqrs.Testing;

/// <summary>Formats events as one line of text each, for comparisons and for the output of a failed spec.</summary>
internal static class EventText
{
    /// <summary>How much of an event a failed spec shows, so that a large text does not hide the rest.</summary>
    private const int MaxShown = 400;

    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>"no event", "1 event", "2 events".</summary>
    public static string Count(int events) => events switch
    {
        0 => "no event",
        1 => "1 event",
        _ => $"{events} events",
    };

    /// <summary>The two lists side by side, line by line; null if they are equal.</summary>
    public static string? Difference<TEvent>(IReadOnlyList<TEvent> expected, IReadOnlyList<TEvent> actual)
        where TEvent : class
    {
        string[] wanted = [.. expected.Select(Write)];
        string[] found = [.. actual.Select(Write)];
        if (wanted.SequenceEqual(found, StringComparer.Ordinal))
        {
            return null;
        }

        var text = new StringBuilder();
        for (var index = 0; index < Math.Max(wanted.Length, found.Length); index++)
        {
            var (left, right) = (wanted.ElementAtOrDefault(index), found.ElementAtOrDefault(index));
            if (string.Equals(left, right, StringComparison.Ordinal))
            {
                text.Append("  ").AppendLine(Show(left!, 0));
                continue;
            }

            var same = left is null || right is null ? 0 : left.AsSpan().CommonPrefixLength(right);
            _ = left is null ? text : text.Append("- ").AppendLine(Show(left, same));
            _ = right is null ? text : text.Append("+ ").AppendLine(Show(right, same));
        }

        return text.ToString();
    }

    private static string Write<TEvent>(TEvent @event)
        where TEvent : class => $"{@event.GetType().Name} {JsonSerializer.Serialize(@event, @event.GetType(), Json)}";

    /// <summary>The line, truncated around the first difference if it is long.</summary>
    private static string Show(string line, int firstDifference)
    {
        if (line.Length <= MaxShown)
        {
            return line;
        }

        var start = Math.Clamp(firstDifference - (MaxShown / 2), 0, line.Length - MaxShown);
        return $"{(start > 0 ? "…" : "")}{line.AsSpan(start, MaxShown)}{(start + MaxShown < line.Length ? "…" : "")}";
    }
}
