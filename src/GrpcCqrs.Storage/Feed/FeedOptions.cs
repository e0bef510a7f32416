using System.ComponentModel.DataAnnotations;

namespace GrpcCqrs.Storage;

/// <summary>Bounds of the event feed and its consumer groups. Configuration section <c>Feed</c>.</summary>
public sealed class FeedOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Feed";

    /// <summary>
    /// How many feed calls (reads, subscriptions, members of groups) may be open in this process; one more is refused with
    /// RESOURCE_EXHAUSTED. Default 256: each holds at most one page of about 1 MiB.
    /// </summary>
    [Range(1, 100_000)]
    public int MaxSubscribers { get; set; } = 256;

    /// <summary>
    /// How long the service waits for a client to take a message before it cuts the call off with SLOW_CONSUMER. Default 30 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00")]
    public TimeSpan SlowConsumerTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>What a caller that is refused for a bound is told to wait. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan RetryAfter { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How many of the newest events are kept in memory for all subscribers together; whoever is further behind reads pages from the
    /// database. Default 8,192.
    /// </summary>
    [Range(1, 1_000_000)]
    public int RingEvents { get; set; } = 8_192;

    /// <summary>How many bytes of payload the newest events in memory may have; the oldest make room. Default 32 MiB.</summary>
    [Range(64L * 1024, 16L * 1024 * 1024 * 1024)]
    public long RingBytes { get; set; } = 32L * 1024 * 1024;

    /// <summary>How many events a page from the database has at most. Default 500; it ends at about 1 MiB of payload too.</summary>
    [Range(1, 10_000)]
    public int PageSize { get; set; } = 500;

    /// <summary>
    /// How long the feed waits for a commit of this process before it looks by itself, which finds what other processes wrote.
    /// Default 1 s. Without subscribers it does not look.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>After how many positions that a filter left out a subscriber is told a checkpoint. Default 1,000.</summary>
    [Range(1, 1_000_000)]
    public int CheckpointPositions { get; set; } = 1_000;

    /// <summary>
    /// After which time at the end of the log a subscriber is told a checkpoint, where its filter left anything out. Default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan CheckpointInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How many consumer groups a store may have; one more is refused with FAILED_PRECONDITION. Default 100.</summary>
    [Range(1, 10_000)]
    public int MaxGroups { get; set; } = 100;

    /// <summary>How many members a group may have; one more is refused with RESOURCE_EXHAUSTED. Default 64.</summary>
    [Range(1, 10_000)]
    public int MaxGroupMembers { get; set; } = 64;

    /// <summary>
    /// How many events a group may have delivered and not yet acknowledged, all members together; at the limit it waits. Default
    /// 2,000.
    /// </summary>
    [Range(1, 100_000)]
    public int GroupMaxInFlight { get; set; } = 2_000;

    /// <summary>
    /// How many events a group reads ahead at most, those in flight among them, to find streams that can be delivered. Default 5,000.
    /// </summary>
    [Range(1, 100_000)]
    public int GroupWindow { get; set; } = 5_000;

    /// <summary>How many bytes of payload a group reads ahead at most, give or take a page. Default 16 MiB.</summary>
    [Range(64L * 1024, 4L * 1024 * 1024 * 1024)]
    public long GroupWindowBytes { get; set; } = 16L * 1024 * 1024;

    /// <summary>
    /// How many acknowledgements a group keeps behind its oldest event that is not acknowledged; at the limit it reads no further until
    /// that one is. Default 10,000.
    /// </summary>
    [Range(1, 1_000_000)]
    public int GroupMaxOutOfOrder { get; set; } = 10_000;

    /// <summary>
    /// How many streams a group parks at most. At the limit failing events are retried for as long as it takes, since a consumer that
    /// fails everything should stop rather than park the store. Default 1,000.
    /// </summary>
    [Range(1, 100_000)]
    public int GroupMaxParkedStreams { get; set; } = 1_000;

    /// <summary>How often an event may fail before its stream is parked. Default 5.</summary>
    [Range(1, 1_000)]
    public int MaxFailures { get; set; } = 5;

    /// <summary>The wait before an event that failed is delivered again; doubled at each failure. Default 200 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest wait before an event that failed is delivered again. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00")]
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a member may take to acknowledge an event before that counts as a failure. Default 5 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00")]
    public TimeSpan AckTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long acknowledgements gather before they are written together, and so how much is delivered again after a crash. Default
    /// 100 ms.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan AckInterval { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// How long the process that serves a group may be silent before another takes the group over; it shows itself three times as
    /// often. Default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan GroupLease { get; set; } = TimeSpan.FromSeconds(5);
}
