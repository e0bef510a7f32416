namespace GrpcCqrs.EventSourcing;

/// <summary>An event ready to be appended.</summary>
/// <param name="EventId">Unique in the store.</param>
/// <param name="Type">The event type's stable name.</param>
/// <param name="SchemaVersion">The schema version of the payload, from 1.</param>
/// <param name="Payload">UTF-8 JSON.</param>
public sealed record EventData(Guid EventId, string Type, int SchemaVersion, ReadOnlyMemory<byte> Payload);

/// <summary>The origin of an event.</summary>
/// <param name="CommandId">The command that produced it.</param>
/// <param name="CorrelationId">The correlation id of the whole operation; at most 128 characters.</param>
/// <param name="CausationId">The id of the direct cause; at most 128 characters.</param>
/// <param name="User">The user who sent the command; at most 200 characters.</param>
public sealed record EventMetadata(Guid CommandId, string CorrelationId, string CausationId, string User);

/// <summary>An event as stored.</summary>
public sealed record RecordedEvent
{
    /// <summary>The position in the store, from 1.</summary>
    public required long Position { get; init; }

    /// <summary>The event's stream.</summary>
    public required StreamId Stream { get; init; }

    /// <summary>The version in its stream, from 1.</summary>
    public required long Version { get; init; }

    /// <summary>Unique in the store.</summary>
    public required Guid EventId { get; init; }

    /// <summary>The event type's stable name.</summary>
    public required string Type { get; init; }

    /// <summary>The schema version of the payload.</summary>
    public required int SchemaVersion { get; init; }

    /// <summary>UTF-8 JSON.</summary>
    public required ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>The event's origin.</summary>
    public required EventMetadata Metadata { get; init; }

    /// <summary>When it was appended, in UTC, to the microsecond. Never decreases as the position grows.</summary>
    public required DateTimeOffset Time { get; init; }
}

/// <summary>A recorded event with its deserialised payload.</summary>
/// <param name="Record">The event as stored.</param>
/// <param name="Event">The event as an object of its registered type.</param>
public sealed record EventEnvelope(RecordedEvent Record, object Event);
