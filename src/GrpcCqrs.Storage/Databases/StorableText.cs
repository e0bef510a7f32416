namespace GrpcCqrs.Storage.Databases;

/// <summary>Converts any text to one that every database can store.</summary>
internal static class StorableText
{
    /// <summary>
    /// Replaces with U+FFFD any U+0000, which PostgreSQL rejects, and lone surrogates, which are invalid in UTF-8.
    /// Truncates to a maximum length, but not in the middle of a surrogate pair.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="maxLength">The maximum number of UTF-16 units; at least 1.</param>
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
