namespace GrpcCqrs.EventSourcing;

/// <summary>The name of a stream: an aggregate category and an id, written <c>category-id</c>.</summary>
/// <param name="Category">1-50 of a-z, 0-9 and underscore.</param>
/// <param name="Id">1-100 characters.</param>
public readonly record struct StreamId(string Category, string Id)
{
    /// <summary>The maximum length of a stream's name in characters; the databases' columns are this wide.</summary>
    public const int MaxLength = 151;

    /// <summary>The stream of one aggregate.</summary>
    public static StreamId For<TAggregate, TEvent>(string id)
        where TAggregate : class, IAggregate<TAggregate, TEvent>
        where TEvent : class => new(TAggregate.Category, id);

    /// <summary>Splits a name at its first hyphen.</summary>
    /// <exception cref="FormatException">The text has no hyphen, or nothing before or after it.</exception>
    public static StreamId Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var hyphen = text.IndexOf('-', StringComparison.Ordinal);
        return hyphen > 0 && hyphen < text.Length - 1
            ? new StreamId(text[..hyphen], text[(hyphen + 1)..])
            : throw new FormatException("A stream is named category-id.");
    }

    /// <summary>The error text for a malformed name.</summary>
    public const string Form = "Must be category-id: a category of 1-50 of a-z, 0-9 and underscore, an id of 1-100 characters.";

    /// <summary>Splits a name given by a caller, and checks that it is well formed.</summary>
    /// <returns>Whether it is well formed; see <see cref="Form"/>.</returns>
    public static bool TryParse([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] string? text, out StreamId stream)
    {
        stream = default;
        var hyphen = text?.IndexOf('-', StringComparison.Ordinal) ?? -1;
        if (hyphen is < 1 or > 50 || text!.Length - hyphen - 1 is < 1 or > 100
            || text.AsSpan(0, hyphen).IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789_") >= 0)
        {
            return false;
        }

        stream = new StreamId(text[..hyphen], text[(hyphen + 1)..]);
        return true;
    }

    /// <summary>The name, <c>category-id</c>.</summary>
    public override string ToString() => $"{Category}-{Id}";
}
