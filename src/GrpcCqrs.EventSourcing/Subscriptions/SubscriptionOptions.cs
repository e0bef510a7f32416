namespace GrpcCqrs.EventSourcing;

/// <summary>Where a subscription starts when it runs for the first time.</summary>
public enum SubscriptionStart
{
    /// <summary>At the first event of the log.</summary>
    Beginning,

    /// <summary>After the last event of the log.</summary>
    End,
}

/// <summary>What a subscription asks for.</summary>
public sealed class SubscriptionOptions
{
    private readonly HashSet<Type> eventTypes = [];

    /// <summary>
    /// Where it starts when it runs for the first time; later it continues where it was. Default: at the beginning.
    /// </summary>
    public SubscriptionStart Start { get; set; } = SubscriptionStart.Beginning;

    /// <summary>
    /// Only events of streams of this category: the part of the stream's name before the first hyphen. Default: of all.
    /// </summary>
    public string Category { get; set; } = "";

    /// <summary>The event types, or their base types, that it asks for; empty, the default, for all.</summary>
    public IReadOnlyCollection<Type> EventTypes => eventTypes;

    /// <summary>
    /// How many events, of different streams, are handled at the same time. Default 1. For a transactional handler: how
    /// many may share a transaction, one after the other.
    /// </summary>
    public int MaxConcurrency { get; set; } = 1;

    /// <summary>Asks for events of this type, or of types derived from it.</summary>
    public SubscriptionOptions Handle<TEvent>()
    {
        eventTypes.Add(typeof(TEvent));
        return this;
    }
}
