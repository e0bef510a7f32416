using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace GrpcCqrs.EventSourcing;

/// <summary>One event type: its stable name, the schema version it is written in, and how it is turned into JSON.</summary>
/// <param name="ClrType">The type in the code; free to be renamed, since it is never stored.</param>
/// <param name="Name">The stored name, such as <c>blog.post-created</c>. A storage contract: never change it.</param>
/// <param name="SchemaVersion">The version that is written, from 1.</param>
/// <param name="Json">Source-generated serialisation.</param>
public sealed record EventType(Type ClrType, string Name, int SchemaVersion, JsonTypeInfo Json);

/// <summary>An event as JSON, on its way from an old shape to the present one.</summary>
/// <param name="Type">The stable name.</param>
/// <param name="SchemaVersion">The version of the shape.</param>
/// <param name="Payload">The payload in that shape.</param>
public sealed record JsonEvent(string Type, int SchemaVersion, JsonObject Payload);

/// <summary>An event in the present shape, as JSON.</summary>
/// <param name="Type">The stable name.</param>
/// <param name="SchemaVersion">The version that the type is written in today.</param>
/// <param name="Payload">UTF-8 JSON.</param>
public sealed record PresentEvent(string Type, int SchemaVersion, ReadOnlyMemory<byte> Payload);

/// <summary>
/// All event types of a service with the upcasters from their older shapes, registered one by one. Every reader goes through it:
/// aggregates, projections, history, feed. Immutable and safe for concurrent use.
/// </summary>
public sealed class EventTypeRegistry
{
    /// <summary>How many upcasts one stored event may go through; more can only be upcasters that lead in a circle.</summary>
    private const int MaxUpcasts = 1_000;

    private readonly FrozenDictionary<Type, EventType> byClrType;
    private readonly FrozenDictionary<string, EventType> byName;
    private readonly FrozenDictionary<(string Type, int SchemaVersion), Func<JsonObject, IEnumerable<JsonEvent>>> upcasters;

    private EventTypeRegistry(Builder builder)
    {
        byClrType = builder.Types.ToFrozenDictionary(type => type.ClrType);
        byName = builder.Types.ToFrozenDictionary(type => type.Name, StringComparer.Ordinal);
        upcasters = builder.Upcasters.ToFrozenDictionary(upcaster => (upcaster.Type, upcaster.SchemaVersion), upcaster => upcaster.Upcast);
        All = [.. builder.Types.OrderBy(type => type.Name, StringComparer.Ordinal)];
        foreach (var (type, schemaVersion) in upcasters.Keys)
        {
            if (byName.TryGetValue(type, out var current) && schemaVersion >= current.SchemaVersion)
            {
                throw new ArgumentException($"{type} is written in schema version {current.SchemaVersion}, so version {schemaVersion} cannot be upcast.");
            }
        }
    }

    /// <summary>The types in alphabetical order of their names.</summary>
    public IReadOnlyList<EventType> All { get; }

    /// <summary>Builds a registry.</summary>
    /// <exception cref="ArgumentException">A type, a name or an upcaster was added twice, or an upcaster starts from the present shape.</exception>
    public static EventTypeRegistry Create(Action<Builder> register)
    {
        ArgumentNullException.ThrowIfNull(register);
        var builder = new Builder();
        register(builder);
        return new EventTypeRegistry(builder);
    }

    /// <summary>Writes an event as JSON under a new version 7 id.</summary>
    /// <exception cref="UnknownEventTypeException">The type is not registered.</exception>
    public EventData Serialize(object @event, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(@event);
        if (!byClrType.TryGetValue(@event.GetType(), out var type))
        {
            throw new UnknownEventTypeException($"The event type {@event.GetType().FullName} is not registered; add it to the service's event types.");
        }

        return new EventData(
            Guid.CreateVersion7(now), type.Name, type.SchemaVersion, JsonSerializer.SerializeToUtf8Bytes(@event, type.Json));
    }

    /// <summary>
    /// Reads an event's payload in the present shape: one event as a rule; none or several where an upcaster drops or splits it.
    /// </summary>
    /// <exception cref="UnknownEventTypeException">
    /// Neither the name in this schema version is registered nor an upcaster from it: the event was written by another version of the
    /// service.
    /// </exception>
    /// <exception cref="JsonException">The payload is not what the type's schema says.</exception>
    public IReadOnlyList<EventEnvelope> Read(RecordedEvent record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (byName.TryGetValue(record.Type, out var type) && type.SchemaVersion == record.SchemaVersion)
        {
            return [new EventEnvelope(record, NotNull(JsonSerializer.Deserialize(record.Payload.Span, type.Json), record))];
        }

        return [.. Upcast(record).Select(upcast =>
            new EventEnvelope(record, NotNull(upcast.Json.Payload.Deserialize(upcast.Type.Json), record)))];
    }

    /// <summary>
    /// An event's payload in the present shape as JSON, through the same upcasters; one that is in it already is not touched.
    /// </summary>
    /// <exception cref="UnknownEventTypeException">As for <see cref="Read"/>.</exception>
    /// <exception cref="JsonException">The payload of an event that must be upcast is not a JSON object.</exception>
    public IReadOnlyList<PresentEvent> ReadJson(RecordedEvent record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (byName.TryGetValue(record.Type, out var type) && type.SchemaVersion == record.SchemaVersion)
        {
            return [new PresentEvent(record.Type, record.SchemaVersion, record.Payload)];
        }

        return [.. Upcast(record).Select(upcast => new PresentEvent(
            upcast.Type.Name, upcast.Type.SchemaVersion, JsonSerializer.SerializeToUtf8Bytes(upcast.Json.Payload)))];
    }

    private List<(EventType Type, JsonEvent Json)> Upcast(RecordedEvent record)
    {
        var events = new List<(EventType Type, JsonEvent Json)>();
        var pending = new Stack<JsonEvent>();
        pending.Push(new JsonEvent(record.Type, record.SchemaVersion, NotNull(JsonNode.Parse(record.Payload.Span) as JsonObject, record)));
        for (var upcasts = 0; pending.TryPop(out var json);)
        {
            if (byName.TryGetValue(json.Type, out var type) && type.SchemaVersion == json.SchemaVersion)
            {
                events.Add((type, json));
            }
            else if (upcasters.TryGetValue((json.Type, json.SchemaVersion), out var upcast) && upcasts++ < MaxUpcasts)
            {
                foreach (var newer in upcast(json.Payload).Reverse())
                {
                    pending.Push(newer);
                }
            }
            else
            {
                throw new UnknownEventTypeException(
                    $"The event at position {record.Position} is a {json.Type} in schema version {json.SchemaVersion}, which this service does not know.");
            }
        }

        return events;
    }

    private static T NotNull<T>(T? value, RecordedEvent record)
        where T : class => value ?? throw new JsonException($"The payload at position {record.Position} is not a JSON object.");

    /// <summary>Collects event types and upcasters.</summary>
    public sealed class Builder
    {
        internal List<EventType> Types { get; } = [];

        internal List<(string Type, int SchemaVersion, Func<JsonObject, IEnumerable<JsonEvent>> Upcast)> Upcasters { get; } = [];

        /// <summary>Adds a type.</summary>
        public Builder Add<TEvent>(string name, int schemaVersion, JsonTypeInfo<TEvent> json)
            where TEvent : class
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(name);
            ArgumentOutOfRangeException.ThrowIfLessThan(schemaVersion, 1);
            Types.Add(new EventType(typeof(TEvent), name, schemaVersion, json));
            return this;
        }

        /// <summary>Adds the step from one schema version of a type to the next. Steps are chained.</summary>
        /// <param name="name">The type's stable name.</param>
        /// <param name="schemaVersion">The old version.</param>
        /// <param name="upcast">Makes the shape of the next version from that of the old one; may change what it is given.</param>
        public Builder Upcast(string name, int schemaVersion, Func<JsonObject, JsonObject> upcast) =>
            Upcast(name, schemaVersion, payload => [new JsonEvent(name, schemaVersion + 1, upcast(payload))]);

        /// <summary>Adds the step from an old event to none, one or several others, of any type.</summary>
        /// <param name="name">The old event's stable name.</param>
        /// <param name="schemaVersion">Its version.</param>
        /// <param name="upcast">Makes the events that stand in its place, in order.</param>
        public Builder Upcast(string name, int schemaVersion, Func<JsonObject, IEnumerable<JsonEvent>> upcast)
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(name);
            ArgumentOutOfRangeException.ThrowIfLessThan(schemaVersion, 1);
            Upcasters.Add((name, schemaVersion, upcast));
            return this;
        }
    }
}

/// <summary>An event type that the service does not know. It is a fault of the code or of a deployment, never of a caller.</summary>
public sealed class UnknownEventTypeException(string message) : Exception(message);
