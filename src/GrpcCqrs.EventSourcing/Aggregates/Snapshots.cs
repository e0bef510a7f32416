using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace GrpcCqrs.EventSourcing;

/// <summary>
/// How states of an aggregate are stored as snapshots. Snapshots never change a result: they can all be deleted, and
/// one with a different schema version or unreadable content is ignored.
/// </summary>
/// <typeparam name="TAggregate">The aggregate.</typeparam>
public interface ISnapshots<TAggregate>
    where TAggregate : class
{
    /// <summary>A snapshot is taken each time the stream grows past a multiple of this many events.</summary>
    int Every { get; }

    /// <summary>The version of the snapshot's schema. Increase it whenever the state or the fold changes.</summary>
    int SchemaVersion { get; }

    /// <summary>Writes a state as UTF-8 JSON.</summary>
    byte[] Write(TAggregate state);

    /// <summary>Reads a state.</summary>
    /// <exception cref="JsonException">The payload does not match the schema.</exception>
    TAggregate Read(string id, ReadOnlySpan<byte> payload);
}

/// <summary>Snapshots stored as a JSON-serialised record.</summary>
/// <param name="every">The number of events between snapshots.</param>
/// <param name="schemaVersion">The version of the record's schema.</param>
/// <param name="json">The record's source-generated serialisation.</param>
/// <param name="toSnapshot">Converts a state to the record.</param>
/// <param name="fromSnapshot">Creates the state from an aggregate's id and the record.</param>
public sealed class JsonSnapshots<TAggregate, TSnapshot>(
    int every, int schemaVersion, JsonTypeInfo<TSnapshot> json, Func<TAggregate, TSnapshot> toSnapshot, Func<string, TSnapshot, TAggregate> fromSnapshot)
    : ISnapshots<TAggregate>
    where TAggregate : class
    where TSnapshot : class
{
    /// <inheritdoc/>
    public int Every { get; } = every > 0 ? every : throw new ArgumentOutOfRangeException(nameof(every));

    /// <inheritdoc/>
    public int SchemaVersion { get; } = schemaVersion;

    /// <inheritdoc/>
    public byte[] Write(TAggregate state) => JsonSerializer.SerializeToUtf8Bytes(toSnapshot(state), json);

    /// <inheritdoc/>
    public TAggregate Read(string id, ReadOnlySpan<byte> payload) =>
        fromSnapshot(id, JsonSerializer.Deserialize(payload, json) ?? throw new JsonException("The snapshot is null."));
}
