namespace GrpcCqrs.EventSourcing;

/// <summary>An event ready to be appended.</summary>
/// <param name="EventId">Unique in the store.</param>
/// <param name="Type">The event type's stable name.</param>
/// <param name="SchemaVersion">The version of the type's schema that the payload is written in, from 1.</param>
/// <param name="Payload">UTF-8 JSON.</param>
public sealed record EventData(Guid EventId, string Type, int SchemaVersion, ReadOnlyMemory<byte> Payload);

/// <summary>Who and what caused an event.</summary>
/// <param name="CommandId">The command that decided it.</param>
/// <param name="CorrelationId">What the whole conversation is known by; at most 128 characters.</param>
/// <param name="CausationId">What directly caused it; at most 128 characters.</param>
/// <param name="User">Who sent the command; at most 200 characters.</param>
public sealed record EventMetadata(Guid CommandId, string CorrelationId, string CausationId, string User);

/// <summary>An event as it stands in the store.</summary>
public sealed record RecordedEvent
{
    /// <summary>The place among all events of the store, from 1.</summary>
    public required long Position { get; init; }

    /// <summary>The stream it belongs to.</summary>
    public required StreamId Stream { get; init; }

    /// <summary>The place in its stream, from 1.</summary>
    public required long Version { get; init; }

    /// <summary>Unique in the store.</summary>
    public required Guid EventId { get; init; }

    /// <summary>The event type's stable name.</summary>
    public required string Type { get; init; }

    /// <summary>The version of the type's schema that the payload is written in.</summary>
    public required int SchemaVersion { get; init; }

    /// <summary>UTF-8 JSON.</summary>
    public required ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Who and what caused it.</summary>
    public required EventMetadata Metadata { get; init; }

    /// <summary>When it was appended, to the microsecond, in UTC. Never decreases with the position.</summary>
    public required DateTimeOffset Time { get; init; }
}

/// <summary>A recorded event with its payload read.</summary>
/// <param name="Record">The event as it stands in the store.</param>
/// <param name="Event">The event as an object of its registered type.</param>
public sealed record EventEnvelope(RecordedEvent Record, object Event);
