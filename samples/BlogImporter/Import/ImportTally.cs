namespace BlogImporter;

/// <summary>Rejections for one reason.</summary>
/// <param name="Reason">The reason, in UPPER_SNAKE_CASE.</param>
/// <param name="Count">How many.</param>
/// <param name="FirstExample">Of which post the first one was, and what the message was.</param>
/// <param name="Places">Where the first ones stand in the history; as many as are listed.</param>
internal sealed record RejectionGroup(string Reason, int Count, string FirstExample, IReadOnlyList<string> Places);

/// <summary>Counts what an import does. May be used by several threads.</summary>
internal sealed class ImportTally
{
    /// <summary>How many places a group of rejections keeps: enough to begin mending the history with.</summary>
    private const int MaxPlaces = 10;

    private readonly Lock gate = new();
    private readonly Dictionary<string, RejectionGroup> rejections = new(StringComparer.Ordinal);
    private long edits;
    private long posts;
    private long appended;
    private long repeated;
    private long unchanged;
    private int rejected;

    /// <summary>Edits read from the history, well-formed ones.</summary>
    public long Edits => Interlocked.Read(ref edits);

    /// <summary>Posts that the history names; one that is deleted and created again counts twice.</summary>
    public long Posts => Interlocked.Read(ref posts);

    /// <summary>Commands that appended an event; one each, so that this is the number of events, too.</summary>
    public long Appended => Interlocked.Read(ref appended);

    /// <summary>Commands whose event was there before the run.</summary>
    public long Repeated => Interlocked.Read(ref repeated);

    /// <summary>Commands that change nothing.</summary>
    public long Unchanged => Interlocked.Read(ref unchanged);

    /// <summary>Commands that the service refused, and malformed parts of the history.</summary>
    public int Rejected => Volatile.Read(ref rejected);

    /// <summary>Commands that the service accepted.</summary>
    public long Accepted => Appended + Repeated + Unchanged;

    /// <summary>The rejections by reason, the most frequent first.</summary>
    public IReadOnlyList<RejectionGroup> Rejections
    {
        get
        {
            lock (gate)
            {
                return [.. rejections.Values.OrderByDescending(group => group.Count).ThenBy(group => group.Reason, StringComparer.Ordinal)];
            }
        }
    }

    public void CountEdit() => Interlocked.Increment(ref edits);

    public void CountPost() => Interlocked.Increment(ref posts);

    public void Count(CommandEffect effect)
    {
        switch (effect)
        {
            case CommandEffect.Appended:
                Interlocked.Increment(ref appended);
                break;
            case CommandEffect.Repeated:
                Interlocked.Increment(ref repeated);
                break;
            default:
                Interlocked.Increment(ref unchanged);
                break;
        }
    }

    /// <summary>Counts a rejection.</summary>
    /// <param name="place">Where it stands in the history.</param>
    /// <param name="post">The post's key; null where there is none to tell.</param>
    /// <param name="reason">Why, in UPPER_SNAKE_CASE.</param>
    /// <param name="message">Why, in a sentence.</param>
    public void Reject(string place, string? post, string reason, string message)
    {
        lock (gate)
        {
            rejected++;
            var group = rejections.GetValueOrDefault(reason)
                ?? new RejectionGroup(reason, 0, post is null ? message : $"Post {post}: {message}", []);
            rejections[reason] = group with
            {
                Count = group.Count + 1,
                Places = group.Count < MaxPlaces ? [.. group.Places, place] : group.Places,
            };
        }
    }
}
