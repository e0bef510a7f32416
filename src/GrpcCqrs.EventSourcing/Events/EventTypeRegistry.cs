using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
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
/// All event types of a service, of every module, with the upcasters from their older shapes. Every reader goes through it: aggregates,
/// projections, history, feed. Immutable and safe for concurrent use.
/// </summary>
public sealed partial class EventTypeRegistry
{
    /// <summary>How many upcasts one stored event may go through; more can only be upcasters that lead in a circle.</summary>
    private const int MaxUpcasts = 1_000;

    private readonly FrozenDictionary<Type, EventType> byClrType;
    private readonly FrozenDictionary<string, EventType> byName;
    private readonly FrozenDictionary<(string Type, int SchemaVersion), Upcaster> upcasters;

    private EventTypeRegistry(Builder builder)
    {
        builder.ThrowIfFaulty();
        byClrType = builder.Types.ToFrozenDictionary(type => type.ClrType);
        byName = builder.Types.ToFrozenDictionary(type => type.Name, StringComparer.Ordinal);
        upcasters = builder.Upcasters.ToFrozenDictionary(upcaster => (upcaster.Type, upcaster.SchemaVersion));
        All = [.. builder.Types.OrderBy(type => type.Name, StringComparer.Ordinal)];
        Older = [.. upcasters.Keys.OrderBy(shape => shape.Type, StringComparer.Ordinal).ThenBy(shape => shape.SchemaVersion)];
    }

    /// <summary>The types in alphabetical order of their names.</summary>
    public IReadOnlyList<EventType> All { get; }

    /// <summary>The shapes that are written no more and that an upcaster starts from, by name and version.</summary>
    public IReadOnlyList<(string Type, int SchemaVersion)> Older { get; }

    /// <summary>Builds a registry.</summary>
    /// <exception cref="ArgumentException">
    /// A type, a name or an upcaster was added twice, an upcaster starts from the present shape, or an event of a module has no
    /// <see cref="StoredEventAttribute"/> or no serialisation. The message names all of them and says what to change.
    /// </exception>
    public static EventTypeRegistry Create(Action<Builder> register)
    {
        ArgumentNullException.ThrowIfNull(register);
        var builder = new Builder();
        register(builder);
        return new EventTypeRegistry(builder);
    }

    /// <summary>The registry of one module's events.</summary>
    /// <typeparam name="TEvent">The base type or interface of the module's events.</typeparam>
    /// <param name="json">Source-generated serialisation, with a <c>[JsonSerializable]</c> for each event.</param>
    /// <exception cref="ArgumentException">As for <see cref="Create"/>.</exception>
    public static EventTypeRegistry Of<TEvent>(JsonSerializerContext json)
        where TEvent : class => Create(types => types.AddAll<TEvent>(json));

    /// <summary>All modules' event types and upcasters in one registry.</summary>
    /// <exception cref="ArgumentException">As for <see cref="Create"/>, across the modules.</exception>
    internal static EventTypeRegistry Merge(IEnumerable<EventTypeRegistry> modules) => Create(types =>
    {
        foreach (var module in modules)
        {
            types.AddPart(module);
        }
    });

    /// <summary>Writes an event as JSON under a new version 7 id.</summary>
    /// <exception cref="UnknownEventTypeException">The type is not registered.</exception>
    public EventData Serialize(object @event, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(@event);
        if (!byClrType.TryGetValue(@event.GetType(), out var type))
        {
            throw new UnknownEventTypeException($"The event type {@event.GetType().FullName} is not registered: add its module with AddEvents.");
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
            else if (upcasters.TryGetValue((json.Type, json.SchemaVersion), out var upcaster) && upcasts++ < MaxUpcasts)
            {
                foreach (var newer in upcaster.Upcast(json.Payload).Reverse())
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
}

/// <summary>An event type that the service does not know. It is a fault of the code or of a deployment, never of a caller.</summary>
public sealed class UnknownEventTypeException(string message) : Exception(message);
