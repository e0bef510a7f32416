using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace GrpcCqrs.EventSourcing;

/// <summary>
/// Page tokens: the start of the next page, sealed together with a fingerprint of the query's filters, so that a token
/// is not valid for another query.
/// </summary>
public sealed class PageTokens(TokenSealer sealer)
{
    private const int FingerprintLength = 8;

    private static readonly JsonSerializerOptions FilterJson = new()
    {
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { RemovePaging } },
    };

    /// <summary>
    /// The filters of a query record: every public property except <c>PageSize</c> and <c>PageToken</c>. A property that
    /// is added later is among them by itself.
    /// </summary>
    /// <param name="query">The query.</param>
    public static string FiltersOf<TQuery>(TQuery query)
        where TQuery : class => JsonSerializer.Serialize(query, FilterJson);

    /// <summary>The token for a place in the result.</summary>
    /// <param name="query">The query's name.</param>
    /// <param name="filters">Everything that must stay the same from page to page.</param>
    /// <param name="number">The first part of the place: a time, a version, an offset.</param>
    /// <param name="text">The second part: an id, a name; at most 1,000 characters.</param>
    public string Write(string query, string filters, long number, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var payload = new byte[FingerprintLength + sizeof(long) + Encoding.UTF8.GetByteCount(text)];
        Fingerprint(filters, payload);
        BinaryPrimitives.WriteInt64BigEndian(payload.AsSpan(FingerprintLength), number);
        Encoding.UTF8.GetBytes(text, payload.AsSpan(FingerprintLength + sizeof(long)));
        return sealer.Seal(query, payload);
    }

    /// <summary>The place in a token; null for an empty token, which requests the first page.</summary>
    /// <exception cref="RejectedException"><see cref="EngineErrors.PageTokenInvalid"/>.</exception>
    public (long Number, string Text)? Read(string query, string filters, string? token)
    {
        if (string.IsNullOrEmpty(token))
        {
            return null;
        }

        Span<byte> fingerprint = stackalloc byte[FingerprintLength];
        Fingerprint(filters, fingerprint);
        var payload = sealer.Open(query, token);
        if (payload is null || payload.Length < FingerprintLength + sizeof(long) || !fingerprint.SequenceEqual(payload.AsSpan(0, FingerprintLength)))
        {
            throw new RejectedException(
                EngineErrors.PageTokenInvalid, "The page_token was altered, or belongs to a query with other filters.")
            {
                Fields = [new FieldViolation("page_token", "Must be the next_page_token of the same query; leave it out to start at the first page.")],
            };
        }

        return (
            BinaryPrimitives.ReadInt64BigEndian(payload.AsSpan(FingerprintLength)),
            Encoding.UTF8.GetString(payload.AsSpan(FingerprintLength + sizeof(long))));
    }

    private static void RemovePaging(JsonTypeInfo type)
    {
        foreach (var paging in type.Properties.Where(property => property.Name is "PageSize" or "PageToken").ToArray())
        {
            type.Properties.Remove(paging);
        }
    }

    private static void Fingerprint(string filters, Span<byte> destination)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(filters), hash);
        hash[..FingerprintLength].CopyTo(destination);
    }
}
