using System.Text.Json;
using System.Text.Json.Serialization;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage.Subscriptions;

/// <summary>Selects events of the log. Empty fields do not restrict; the others are combined with AND.</summary>
/// <param name="EventTypes">
/// Stable names of event types in their current form, in alphabetical order; empty for all.
/// </param>
/// <param name="Stream">Only this stream; empty for all.</param>
/// <param name="Category">
/// Only this category: the part of the stream's name before the first hyphen; empty for all.
/// </param>
internal sealed record FeedFilter(IReadOnlyList<string> EventTypes, string Stream, string Category)
{
    /// <summary>All events.</summary>
    public static FeedFilter Everything { get; } = new([], "", "");

    /// <summary>
    /// Whether events of types that this version of the service does not know may be meant, so that they are errors.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IncludesUnknown { get; init; }

    /// <summary>The matching events that a recorded event is upcast to.</summary>
    /// <exception cref="UnknownEventTypeException">
    /// The service does not know the event's type or schema version, and the filter does not exclude it.
    /// </exception>
    /// <exception cref="JsonException">The payload does not match its schema.</exception>
    internal IReadOnlyList<FeedEvent> Select(FeedRecord record)
    {
        if ((Stream.Length > 0 && !string.Equals(Stream, record.StreamName, StringComparison.Ordinal))
            || (Category.Length > 0 && !string.Equals(Category, record.Record.Stream.Category, StringComparison.Ordinal)))
        {
            return [];
        }

        IReadOnlyList<FeedEvent> events;
        try
        {
            events = record.Events;
        }
        catch (UnknownEventTypeException) when (EventTypes.Count > 0 && !IncludesUnknown && !EventTypes.Contains(record.Record.Type, StringComparer.Ordinal))
        {
            // A newer version of the service wrote it, and this reader did not ask for it.
            return [];
        }

        return EventTypes.Count == 0 || events.All(Wants) ? events : [.. events.Where(Wants)];
    }

    internal string ToJson() => JsonSerializer.Serialize(this, FeedJson.Default.FeedFilter);

    internal static FeedFilter FromJson(string json) =>
        JsonSerializer.Deserialize(json, FeedJson.Default.FeedFilter) ?? throw new JsonException("A stored filter is null.");

    private bool Wants(FeedEvent feedEvent) => EventTypes.Contains(feedEvent.Type, StringComparer.Ordinal);
}

[JsonSerializable(typeof(FeedFilter))]
internal sealed partial class FeedJson : JsonSerializerContext;
