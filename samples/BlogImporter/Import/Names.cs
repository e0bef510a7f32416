using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace BlogImporter;

/// <summary>
/// Names that follow from the history alone, so that a second run sends the same requests under the same ids. A changed rule here
/// makes a second run of an old history do everything again.
/// </summary>
internal static class Names
{
    /// <summary>The longest slug that the service takes.</summary>
    public const int MaxSlugLength = 100;

    private const int HashDigits = 8;

    /// <summary>The id of a post: of its key, and of how many posts of this key were deleted before it.</summary>
    public static Guid PostId(string post, int generation) => IdOf("post", post, generation.ToString(CultureInfo.InvariantCulture));

    /// <summary>The id of a command: of the post's key, the edit's number among the edits of this key, and the operation.</summary>
    public static Guid CommandId(string post, int index, string operation) =>
        IdOf("command", post, index.ToString(CultureInfo.InvariantCulture), operation);

    /// <summary>
    /// A slug made from a post's key: letters a-z and digits in lower case, everything between them as one hyphen. A key that
    /// loses letters on the way (those of other scripts) or that is too long gets eight digits of its hash at the end, so that
    /// different keys keep different slugs.
    /// </summary>
    public static string Slug(string post)
    {
        var slug = new StringBuilder(post.Length);
        var isLossy = false;
        foreach (var c in post)
        {
            if (char.IsAsciiLetterOrDigit(c))
            {
                slug.Append(char.ToLowerInvariant(c));
                continue;
            }

            isLossy |= !char.IsAscii(c);
            if (slug.Length > 0 && slug[^1] != '-')
            {
                slug.Append('-');
            }
        }

        var text = slug.ToString().TrimEnd('-');
        if (!isLossy && text.Length is > 0 and <= MaxSlugLength)
        {
            return text;
        }

        var head = text[..Math.Min(text.Length, MaxSlugLength - HashDigits - 1)].TrimEnd('-');
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(post)))[..HashDigits];
        return head.Length > 0 ? $"{head}-{hash}" : $"post-{hash}";
    }

    /// <summary>A UUID of version 8 (RFC 9562): the first bits of the SHA-256 of the parts, each behind its length.</summary>
    private static Guid IdOf(params ReadOnlySpan<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (var part in parts)
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }

        var id = hash.GetHashAndReset().AsSpan(0, 16);
        id[6] = (byte)((id[6] & 0x0F) | 0x80);
        id[8] = (byte)((id[8] & 0x3F) | 0x80);
        return new Guid(id, bigEndian: true);
    }
}
