using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace GrpcCqrs.EventSourcing;

/// <summary>An event type: its stable name, the schema version it is written in, and its JSON serialisation.</summary>
/// <param name="ClrType">The CLR type. It is never stored, so it can be renamed.</param>
/// <param name="Name">The stored name, such as <c>blog.post-created</c>. A storage contract: never change it.</param>
/// <param name="SchemaVersion">The version that new events are written in, from 1.</param>
/// <param name="Json">Source-generated serialisation.</param>
public sealed record EventType(Type ClrType, string Name, int SchemaVersion, JsonTypeInfo Json);

/// <summary>An event as JSON while it is upcast to the current version.</summary>
/// <param name="Type">The stable name.</param>
/// <param name="SchemaVersion">The schema version of the payload.</param>
/// <param name="Payload">The payload in that version.</param>
public sealed record JsonEvent(string Type, int SchemaVersion, JsonObject Payload);

/// <summary>An event in its current schema version, as JSON.</summary>
/// <param name="Type">The stable name.</param>
/// <param name="SchemaVersion">The current schema version of the type.</param>
/// <param name="Payload">UTF-8 JSON.</param>
public sealed record PresentEvent(string Type, int SchemaVersion, ReadOnlyMemory<byte> Payload);

/// <summary>
/// All event types of a service, across its modules, with the upcasters from older versions. Every reader uses it:
/// aggregates, projections, history, feed. Immutable and thread-safe.
/// </summary>
public sealed partial class EventTypeRegistry
{
    /// <summary>
    /// The maximum number of upcasts per stored event. More than this can only be a cycle of upcasters.
    /// </summary>
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

    /// <summary>The older versions that have an upcaster, by name and version.</summary>
    public IReadOnlyList<(string Type, int SchemaVersion)> Older { get; }

    /// <summary>Builds a registry.</summary>
    /// <exception cref="ArgumentException">
    /// A type, a name or an upcaster was added twice, an upcaster starts from the current version, or an event of a
    /// module has no <see cref="StoredEventAttribute"/> or no serialisation. The message lists every problem and its
    /// fix.
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

    /// <summary>Merges the event types and upcasters of all modules into one registry.</summary>
    /// <exception cref="ArgumentException">As for <see cref="Create"/>, across the modules.</exception>
    internal static EventTypeRegistry Merge(IEnumerable<EventTypeRegistry> modules) => Create(types =>
    {
        foreach (var module in modules)
        {
            types.AddPart(module);
        }
    });

    /// <summary>Serialises an event as JSON with a new version 7 id.</summary>
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
    /// Reads an event in its current schema version: usually one event, none or several if an upcaster drops or splits
    /// it.
    /// </summary>
    /// <exception cref="UnknownEventTypeException">
    /// Neither this schema version of the type nor an upcaster from it is registered: the event was written by another
    /// version of the service.
    /// </exception>
    /// <exception cref="JsonException">The payload does not match the type's schema.</exception>
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
    /// An event as JSON in its current schema version, through the same upcasters. A payload that is already current is
    /// not changed.
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

/// <summary>
/// An event type that the service does not know. This is a coding or deployment error, never the caller's.
/// </summary>
public sealed class UnknownEventTypeException(string message) : Exception(message);
