using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;

namespace GrpcCqrs.Client;

/// <summary>
/// What a client may do with consistency tokens without the store's secret: tell which of two is later. Whether a token is genuine
/// only the store can tell, and does when it is sent.
/// </summary>
public static class ConsistencyToken
{
    private const byte FormatVersion = 1;
    private const int MacLength = 16;
    private const int Length = 1 + sizeof(long) + MacLength;

    /// <summary>The later one of two tokens of one store: a query with it sees what each of them stands for.</summary>
    /// <param name="a">A token; null or empty for none.</param>
    /// <param name="b">Another one, alike.</param>
    /// <returns>The later one, the first of two alike; the empty text where there is neither.</returns>
    /// <exception cref="ArgumentException">One of them is no token, or is of a format that this version of the client does not know.</exception>
    public static string Latest(string? a, string? b)
    {
        var first = string.IsNullOrEmpty(a) ? -1 : Read(a) ?? throw Unreadable(nameof(a));
        var second = string.IsNullOrEmpty(b) ? -1 : Read(b) ?? throw Unreadable(nameof(b));
        return (first >= second ? a : b) ?? "";
    }

    /// <summary>The position that a token stands for; null where that cannot be read.</summary>
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
