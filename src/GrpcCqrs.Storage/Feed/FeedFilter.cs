using System.Text.Json;
using System.Text.Json.Serialization;

namespace GrpcCqrs.Storage;

/// <summary>Which events of the log are wanted. What is left empty does not restrict; what is given must hold together.</summary>
/// <param name="EventTypes">Stable names of event types in their present form, in alphabetical order; empty for all.</param>
/// <param name="Stream">The only stream; empty for all.</param>
/// <param name="Category">The only category, what stands before a stream's first hyphen; empty for all.</param>
public sealed record FeedFilter(IReadOnlyList<string> EventTypes, string Stream, string Category)
{
    /// <summary>All events.</summary>
    public static FeedFilter Everything { get; } = new([], "", "");

    /// <summary>Whether the filter can leave anything out.</summary>
    [JsonIgnore]
    public bool IsSelective => EventTypes.Count > 0 || Stream.Length > 0 || Category.Length > 0;

    /// <summary>The events that stand in the present for a recorded one, those that are wanted.</summary>
    /// <exception cref="EventSourcing.UnknownEventTypeException">The service does not know the event's type or schema version.</exception>
    /// <exception cref="JsonException">The payload is not what its schema says.</exception>
    internal IReadOnlyList<FeedEvent> Select(FeedRecord record)
    {
        if ((Stream.Length > 0 && !string.Equals(Stream, record.StreamName, StringComparison.Ordinal))
            || (Category.Length > 0 && !string.Equals(Category, record.Record.Stream.Category, StringComparison.Ordinal)))
        {
            return [];
        }

        var events = record.Events;
        return EventTypes.Count == 0 || events.All(Wants) ? events : [.. events.Where(Wants)];
    }

    internal string ToJson() => JsonSerializer.Serialize(this, FeedJson.Default.FeedFilter);

    internal static FeedFilter FromJson(string json) =>
        JsonSerializer.Deserialize(json, FeedJson.Default.FeedFilter) ?? throw new JsonException("A stored filter is null.");

    private bool Wants(FeedEvent feedEvent) => EventTypes.Contains(feedEvent.Type, StringComparer.Ordinal);
}

[JsonSerializable(typeof(FeedFilter))]
internal sealed partial class FeedJson : JsonSerializerContext;
