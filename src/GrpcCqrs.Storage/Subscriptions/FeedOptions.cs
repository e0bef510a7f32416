using System.ComponentModel.DataAnnotations;

namespace GrpcCqrs.Storage.Subscriptions;

/// <summary>Limits of the event feed and its consumer groups. Configuration section <c>Feed</c>.</summary>
public sealed class FeedOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Feed";

    /// <summary>
    /// Whether this process runs the service's own subscriptions, or stands by for them. Default true; a host sets it
    /// from the node's role.
    /// </summary>
    public bool RunsSubscriptions { get; set; } = true;

    /// <summary>
    /// The maximum number of open feed calls (reads, subscriptions, group members) in this process. Further ones are
    /// rejected with RESOURCE_EXHAUSTED. Default 256: each buffers at most one page of about 1 MiB.
    /// </summary>
    [Range(1, 100_000)]
    public int MaxSubscribers { get; set; } = 256;

    /// <summary>
    /// How long the service waits for a client to read a message before it ends the call with SLOW_CONSUMER. Default 30
    /// s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00")]
    public TimeSpan SlowConsumerTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The retry delay sent to a caller that is rejected because of a limit. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan RetryAfter { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How many of the latest events are cached in memory for all subscribers together. A subscriber further behind
    /// reads pages from the database. Default 8,192.
    /// </summary>
    [Range(1, 1_000_000)]
    public int RingEvents { get; set; } = 8_192;

    /// <summary>
    /// The maximum payload size of the cached events in bytes; the oldest are evicted first. Default 32 MiB.
    /// </summary>
    [Range(64L * 1024, 16L * 1024 * 1024 * 1024)]
    public long RingBytes { get; set; } = 32L * 1024 * 1024;

    /// <summary>
    /// The maximum number of events per page read from the database. Default 500; a page also ends at about 1 MiB of
    /// payload.
    /// </summary>
    [Range(1, 10_000)]
    public int PageSize { get; set; } = 500;

    /// <summary>
    /// How often the feed polls if this process commits nothing, to find events written by other processes. Default
    /// 1 s. It does not poll without subscribers.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>After how many filtered-out positions a subscriber gets a checkpoint. Default 1,000.</summary>
    [Range(1, 1_000_000)]
    public int CheckpointPositions { get; set; } = 1_000;

    /// <summary>
    /// How long after reaching the end of the log a subscriber gets a checkpoint, if its filter excluded anything.
    /// Default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan CheckpointInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The maximum number of consumer groups per store. Further ones are rejected with FAILED_PRECONDITION. Default
    /// 100.
    /// </summary>
    [Range(1, 10_000)]
    public int MaxGroups { get; set; } = 100;

    /// <summary>
    /// The maximum number of members per group. Further ones are rejected with RESOURCE_EXHAUSTED. Default 64.
    /// </summary>
    [Range(1, 10_000)]
    public int MaxGroupMembers { get; set; } = 64;

    /// <summary>
    /// The maximum number of delivered and unacknowledged events per group, over all its members. At the limit delivery
    /// pauses. Default 2,000.
    /// </summary>
    [Range(1, 100_000)]
    public int GroupMaxInFlight { get; set; } = 2_000;

    /// <summary>
    /// The maximum number of events that a group reads ahead, including those in flight, to find streams that can be
    /// delivered. Default 5,000.
    /// </summary>
    [Range(1, 100_000)]
    public int GroupWindow { get; set; } = 5_000;

    /// <summary>The maximum payload that a group reads ahead in bytes, give or take a page. Default 16 MiB.</summary>
    [Range(64L * 1024, 4L * 1024 * 1024 * 1024)]
    public long GroupWindowBytes { get; set; } = 16L * 1024 * 1024;

    /// <summary>
    /// The maximum number of acknowledgements that a group stores after its oldest unacknowledged event. At the limit
    /// it stops reading until that event is acknowledged. Default 10,000.
    /// </summary>
    [Range(1, 1_000_000)]
    public int GroupMaxOutOfOrder { get; set; } = 10_000;

    /// <summary>
    /// The maximum number of streams that a group parks. At the limit failing events are retried indefinitely, since a
    /// consumer that fails everything should stop instead of parking the whole store. Default 1,000.
    /// </summary>
    [Range(1, 100_000)]
    public int GroupMaxParkedStreams { get; set; } = 1_000;

    /// <summary>How often an event may fail before its stream is parked. Default 5.</summary>
    [Range(1, 1_000)]
    public int MaxFailures { get; set; } = 5;

    /// <summary>The delay before a failed event is redelivered; doubled at each failure. Default 200 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The maximum delay before a failed event is redelivered. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00")]
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a member may take to acknowledge an event before it counts as failed. Default 5 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00")]
    public TimeSpan AckTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long acknowledgements are collected before they are written together, and so how much is redelivered after a
    /// crash. Default 100 ms.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan AckInterval { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// How long the process that serves a group may go without renewing its lease before another process takes over. It
    /// renews three times within this period. Default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan GroupLease { get; set; } = TimeSpan.FromSeconds(5);
}
