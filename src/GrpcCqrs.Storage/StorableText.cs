namespace GrpcCqrs.Storage;

/// <summary>Makes any text one that every database stores.</summary>
internal static class StorableText
{
    /// <summary>
    /// The text with U+FFFD in place of U+0000, which PostgreSQL refuses, and of surrogates without their other half, which are no UTF-8; cut to a
    /// length, but not in the middle of a surrogate pair.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="maxLength">The most UTF-16 units that are kept; at least 1.</param>
    public static string From(string text, int maxLength)
    {
        var end = Math.Min(text.Length, maxLength);
        if (end < text.Length && char.IsHighSurrogate(text[end - 1]) && char.IsLowSurrogate(text[end]))
        {
            end--;
        }

        var isStorable = true;
        for (var index = 0; index < end && isStorable; index++)
        {
            isStorable = text[index] != '\0' && !char.IsSurrogate(text[index]);
        }

        return isStorable ? text[..end] : string.Concat(text[..end].EnumerateRunes().Select(rune => rune.ToString())).Replace('\0', '\uFFFD');
    }
}
