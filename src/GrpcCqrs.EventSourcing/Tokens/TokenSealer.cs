using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace GrpcCqrs.EventSourcing;

/// <summary>A store's id and secret key: created with its database and stored in it.</summary>
public sealed class StoreIdentity
{
    private byte[]? tokenKey;

    /// <summary>The store's id.</summary>
    public Guid StoreId { get; private set; }

    /// <summary>The key that seals tokens; 32 bytes.</summary>
    /// <exception cref="InvalidOperationException">The store has not been opened yet.</exception>
    public ReadOnlySpan<byte> TokenKey => tokenKey ?? throw new InvalidOperationException("The store has not been opened yet.");

    /// <summary>Sets both, once the database is open.</summary>
    public void Set(Guid storeId, byte[] key)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, 32);
        StoreId = storeId;
        tokenKey = key;
    }
}

/// <summary>
/// Creates opaque tokens: a purpose, a payload and an HMAC-SHA-256 over both, truncated to 128 bits, in base64url. A
/// token that is from another store, is for another purpose or was altered is rejected.
/// </summary>
public sealed class TokenSealer(StoreIdentity identity)
{
    private const int MacLength = 16;
    private const byte FormatVersion = 1;

    /// <summary>The maximum token length. Longer ones are rejected unread.</summary>
    public const int MaxTokenLength = 2_000;

    /// <summary>Seals a payload.</summary>
    public string Seal(string purpose, ReadOnlySpan<byte> payload)
    {
        var token = new byte[1 + payload.Length + MacLength];
        token[0] = FormatVersion;
        payload.CopyTo(token.AsSpan(1));
        Mac(purpose, token.AsSpan(0, 1 + payload.Length), token.AsSpan(1 + payload.Length));
        return Base64Url.EncodeToString(token);
    }

    /// <summary>Opens a token; null if this store did not seal it for this purpose.</summary>
    public byte[]? Open(string purpose, string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        if (token.Length > MaxTokenLength || !Base64Url.IsValid(token))
        {
            return null;
        }

        var bytes = Base64Url.DecodeFromChars(token);
        if (bytes.Length < 1 + MacLength || bytes[0] != FormatVersion)
        {
            return null;
        }

        Span<byte> mac = stackalloc byte[MacLength];
        Mac(purpose, bytes.AsSpan(0, bytes.Length - MacLength), mac);
        return CryptographicOperations.FixedTimeEquals(mac, bytes.AsSpan(bytes.Length - MacLength))
            ? bytes[1..^MacLength]
            : null;
    }

    private void Mac(string purpose, ReadOnlySpan<byte> content, Span<byte> destination)
    {
        var purposeLength = Encoding.UTF8.GetByteCount(purpose);
        var input = new byte[1 + purposeLength + content.Length];
        input[0] = checked((byte)purposeLength);
        Encoding.UTF8.GetBytes(purpose, input.AsSpan(1));
        content.CopyTo(input.AsSpan(1 + purposeLength));
        Span<byte> full = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(identity.TokenKey, input, full);
        full[..MacLength].CopyTo(destination);
    }
}

/// <summary>Consistency tokens: a position of this store, sealed.</summary>
public sealed class ConsistencyTokens(TokenSealer sealer)
{
    private const string Purpose = "consistency";

    // Between two events all queries get the same token.
    private volatile Written? last;

    /// <summary>The token for a position.</summary>
    public string Write(long position)
    {
        if (last is { } written && written.Position == position)
        {
            return written.Token;
        }

        Span<byte> payload = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(payload, position);
        var token = sealer.Seal(Purpose, payload);
        last = new Written(position, token);
        return token;
    }

    /// <summary>The position in a token.</summary>
    /// <exception cref="RejectedException"><see cref="EngineErrors.ConsistencyTokenInvalid"/>.</exception>
    public long Read(string token)
    {
        var payload = sealer.Open(Purpose, token);
        return payload is { Length: sizeof(long) }
            ? BinaryPrimitives.ReadInt64BigEndian(payload)
            : throw new RejectedException(
                EngineErrors.ConsistencyTokenInvalid, "The consistency_token was not made by this store, or was altered.")
            {
                Fields = [new FieldViolation("consistency_token", "Must be a token that a command of this store answered, unchanged.")],
            };
    }

    private sealed record Written(long Position, string Token);
}
