namespace BlogImporter;

/// <summary>What an edit did to a post.</summary>
internal enum EditKind
{
    Create,
    Title,
    Content,
    Delete,
}

/// <summary>One thing that a history holds, and where it stands in it.</summary>
/// <param name="Place">Where, for people: <c>line 12</c>, or <c>commit 1a2b3c4 posts/a.md</c>.</param>
internal abstract record HistoryItem(string Place);

/// <summary>One edit of one post.</summary>
/// <param name="Place">Where it stands in the history.</param>
/// <param name="Post">The post's key: what the history knows the post by. Never empty.</param>
/// <param name="Kind">What it did.</param>
/// <param name="Title">The new title, for Create and Title; otherwise empty.</param>
/// <param name="Content">The new content, for Create and Content; otherwise empty.</param>
/// <param name="Author">Who wrote the post, for Create; otherwise empty.</param>
internal sealed record PostEdit(string Place, string Post, EditKind Kind, string Title = "", string Content = "", string Author = "")
    : HistoryItem(Place);

/// <summary>A part of the history that holds no edit, though it should.</summary>
/// <param name="Place">Where it stands in the history.</param>
/// <param name="Reason">Why, in UPPER_SNAKE_CASE.</param>
/// <param name="Message">Why, in a sentence.</param>
internal sealed record MalformedItem(string Place, string Reason, string Message) : HistoryItem(Place);

/// <summary>Where edits come from: a file of JSON lines, or a git repository.</summary>
internal interface IHistory
{
    /// <summary>How much of the history has been read, 0 to 1. May be read by another thread.</summary>
    double Progress { get; }

    /// <summary>Reads the history from its beginning, the edits of each post in the order in which they were made.</summary>
    /// <exception cref="HistoryUnreadableException">The history cannot be read, or not to its end.</exception>
    IAsyncEnumerable<HistoryItem> ReadAsync(CancellationToken cancellationToken);
}

/// <summary>The history as a whole cannot be read. The message is a sentence for people.</summary>
internal sealed class HistoryUnreadableException(string message, Exception? innerException = null) : Exception(message, innerException);
