using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;

namespace GrpcCqrs.Client;

/// <summary>
/// What a client can do with consistency tokens without the store's secret: find the later of two. Only the store can
/// tell whether a token is genuine, and checks it when it is sent.
/// </summary>
public static class ConsistencyToken
{
    private const byte FormatVersion = 1;
    private const int MacLength = 16;
    private const int Length = 1 + sizeof(long) + MacLength;

    /// <summary>The later of two tokens of one store. A query with it sees the state of both.</summary>
    /// <param name="a">A token; null or empty for none.</param>
    /// <param name="b">Another token; null or empty for none.</param>
    /// <returns>The later one, or the first if they are equal; the empty string if there is neither.</returns>
    /// <exception cref="ArgumentException">
    /// One of them is not a token, or its format is unknown to this version of the client.
    /// </exception>
    public static string Latest(string? a, string? b)
    {
        var first = string.IsNullOrEmpty(a) ? -1 : Read(a) ?? throw Unreadable(nameof(a));
        var second = string.IsNullOrEmpty(b) ? -1 : Read(b) ?? throw Unreadable(nameof(b));
        return (first >= second ? a : b) ?? "";
    }

    /// <summary>The position in a token; null if it cannot be read.</summary>
    internal static long? Read(string token)
    {
        Span<byte> bytes = stackalloc byte[Length];
        if (Base64Url.DecodeFromChars(token, bytes, out _, out var written) != OperationStatus.Done || written != Length || bytes[0] != FormatVersion)
        {
            return null;
        }

        var position = BinaryPrimitives.ReadInt64BigEndian(bytes[1..]);
        return position >= 0 ? position : null;
    }

    private static ArgumentException Unreadable(string parameter) => new(
        "This is no consistency token, or one of a format that this version of the client does not know; take the newer answer's token instead.", parameter);
}
