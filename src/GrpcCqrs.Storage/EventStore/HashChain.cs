using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>
/// The hash chain that makes the log tamper-evident: an event's hash is SHA-256 over its predecessor's hash and all of
/// its own columns, so a change shows at the first position it affects. After Haber and Stornetta (1991).
/// </summary>
internal static class HashChain
{
    /// <summary>The predecessor hash of the first event.</summary>
    public static byte[] Genesis => new byte[SHA256.HashSizeInBytes];

    /// <summary>The hash of the event that follows one with the given hash.</summary>
    public static byte[] Next(ReadOnlySpan<byte> previous, EventRow row)
    {
        var writer = new ArrayBufferWriter<byte>(previous.Length + row.Payload.Length + 512);
        writer.Write(previous);
        Write(writer, row.Position);
        Write(writer, row.Stream);
        Write(writer, row.Version);
        Write(writer, row.EventId);
        Write(writer, row.Type);
        Write(writer, row.SchemaVersion);
        Write(writer, row.Payload.Length);
        writer.Write(row.Payload);
        Write(writer, row.CommandId);
        Write(writer, row.CorrelationId);
        Write(writer, row.CausationId);
        Write(writer, row.User);
        Write(writer, row.TimeMicroseconds);
        return SHA256.HashData(writer.WrittenSpan);
    }

    private static void Write(ArrayBufferWriter<byte> writer, long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(writer.GetSpan(sizeof(long)), value);
        writer.Advance(sizeof(long));
    }

    private static void Write(ArrayBufferWriter<byte> writer, Guid value)
    {
        value.TryWriteBytes(writer.GetSpan(16), bigEndian: true, out var written);
        writer.Advance(written);
    }

    // Length-prefixed, so that no two different rows produce the same input.
    private static void Write(ArrayBufferWriter<byte> writer, string value)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        Write(writer, length);
        writer.Advance(Encoding.UTF8.GetBytes(value, writer.GetSpan(length)));
    }
}
