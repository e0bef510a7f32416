using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>Reads rows in the order of <see cref="EventSql.EventColumns"/>.</summary>
internal static class EventReader
{
    /// <summary>
    /// The payload size at which a page of events is cut: large enough to be efficient, small enough that several
    /// concurrent readers fit in a small machine's memory.
    /// </summary>
    public const int MaxPageBytes = 8 * 1024 * 1024;

    public static async Task<EventPage> ReadPageAsync(
        DbCommand command, int maxCount, CancellationToken cancellationToken, int maxBytes = MaxPageBytes)
    {
        var events = new List<RecordedEvent>(Math.Min(maxCount, 64));
        long bytes = 0;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (bytes < maxBytes)
        {
            if (!await reader.ReadAsync(cancellationToken))
            {
                return new EventPage(events, IsEnd: events.Count < maxCount);
            }

            var record = Read(reader);
            events.Add(record);
            bytes += record.Payload.Length;
        }

        return new EventPage(events, IsEnd: false);
    }

    private static RecordedEvent Read(DbDataReader reader) => new()
    {
        Position = reader.GetInt64(0),
        Stream = StreamId.Parse(reader.GetString(1)),
        Version = reader.GetInt64(2),
        EventId = reader.GetGuid(3),
        Type = reader.GetString(4),
        SchemaVersion = reader.GetInt32(5),
        Payload = reader.GetFieldValue<byte[]>(6),
        Metadata = new EventMetadata(reader.GetGuid(7), reader.GetString(8), reader.GetString(9), reader.GetString(10)),
        Time = UnixMicroseconds.ToTime(reader.GetInt64(11)),
    };
}
