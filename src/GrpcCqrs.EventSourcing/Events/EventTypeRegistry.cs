using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace GrpcCqrs.EventSourcing;

/// <summary>One event type: its stable name, the schema version it is written in, and how it is turned into JSON.</summary>
/// <param name="ClrType">The type in the code; free to be renamed, since it is never stored.</param>
/// <param name="Name">The stored name, such as <c>blog.post-created</c>. A storage contract: never change it.</param>
/// <param name="SchemaVersion">The version that is written, from 1.</param>
/// <param name="Json">Source-generated serialisation.</param>
public sealed record EventType(Type ClrType, string Name, int SchemaVersion, JsonTypeInfo Json);

/// <summary>All event types of a service, registered one by one. Immutable and safe for concurrent use.</summary>
public sealed class EventTypeRegistry
{
    private readonly FrozenDictionary<Type, EventType> byClrType;
    private readonly FrozenDictionary<string, EventType> byName;

    private EventTypeRegistry(IReadOnlyCollection<EventType> types)
    {
        byClrType = types.ToFrozenDictionary(type => type.ClrType);
        byName = types.ToFrozenDictionary(type => type.Name, StringComparer.Ordinal);
        All = [.. types.OrderBy(type => type.Name, StringComparer.Ordinal)];
    }

    /// <summary>The types in alphabetical order of their names.</summary>
    public IReadOnlyList<EventType> All { get; }

    /// <summary>Builds a registry.</summary>
    /// <exception cref="ArgumentException">A type or a name was added twice.</exception>
    public static EventTypeRegistry Create(Action<Builder> register)
    {
        ArgumentNullException.ThrowIfNull(register);
        var builder = new Builder();
        register(builder);
        return new EventTypeRegistry(builder.Types);
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

    /// <summary>Reads an event's payload.</summary>
    /// <exception cref="UnknownEventTypeException">
    /// The name is not registered, or the schema version is not the registered one: the event was written by another version of
    /// the service.
    /// </exception>
    /// <exception cref="JsonException">The payload is not what the type's schema says.</exception>
    public EventEnvelope Deserialize(RecordedEvent record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (!byName.TryGetValue(record.Type, out var type) || type.SchemaVersion != record.SchemaVersion)
        {
            throw new UnknownEventTypeException(
                $"The event at position {record.Position} is a {record.Type} in schema version {record.SchemaVersion}, which this service does not know.");
        }

        var @event = JsonSerializer.Deserialize(record.Payload.Span, type.Json)
            ?? throw new JsonException($"The payload at position {record.Position} is null.");
        return new EventEnvelope(record, @event);
    }

    /// <summary>Collects event types.</summary>
    public sealed class Builder
    {
        internal List<EventType> Types { get; } = [];

        /// <summary>Adds a type.</summary>
        public Builder Add<TEvent>(string name, int schemaVersion, JsonTypeInfo<TEvent> json)
            where TEvent : class
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(name);
            ArgumentOutOfRangeException.ThrowIfLessThan(schemaVersion, 1);
            Types.Add(new EventType(typeof(TEvent), name, schemaVersion, json));
            return this;
        }
    }
}

/// <summary>An event type that the service does not know. It is a fault of the code or of a deployment, never of a caller.</summary>
public sealed class UnknownEventTypeException(string message) : Exception(message);
