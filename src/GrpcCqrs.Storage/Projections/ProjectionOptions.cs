using System.ComponentModel.DataAnnotations;

namespace GrpcCqrs.Storage.Projections;

/// <summary>The role of a process in projecting.</summary>
public enum ProjectionMode
{
    /// <summary>
    /// Projects, or stands by while another process does; the outbox is trimmed up to the projections' positions.
    /// </summary>
    Project,

    /// <summary>
    /// Does the same for a read database other than the one that the outbox serves; reads from the event log.
    /// </summary>
    ProjectApart,

    /// <summary>Follows the projecting process's checkpoints, and answers queries.</summary>
    Follow,

    /// <summary>Uses no read database.</summary>
    Off,
}

/// <summary>How projections are run. Configuration section <c>Projections</c>.</summary>
public sealed class ProjectionOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Projections";

    /// <summary>
    /// The role of this process. Default <see cref="ProjectionMode.Project"/>; a host sets it from the node's role.
    /// </summary>
    public ProjectionMode Mode { get; set; } = ProjectionMode.Project;

    /// <summary>The most events in one transaction of the read database. Default 500.</summary>
    [Range(1, 100_000)]
    public int BatchSize { get; set; } = 500;

    /// <summary>
    /// How long the runner waits for a wake-up before it polls: the safety net for a lost wake-up. Default 1 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The pause between two batches while events arrive faster than one at a time, so that batches get larger; a lone
    /// event and a catch-up never wait. Default 2 ms, the most by which this delays a busy read model.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:01")]
    public TimeSpan BusyPause { get; set; } = TimeSpan.FromMilliseconds(2);

    /// <summary>The delay before a failed batch is retried; doubled after each failure. Default 200 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest delay between two attempts. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How often an event is tried before it is parked, if the projection allows a stream to be left behind. Default 5.
    /// </summary>
    [Range(1, 1_000)]
    public int ParkAfter { get; set; } = 5;

    /// <summary>
    /// How long the projecting process may be silent before another one takes over. Default 4 s. After an orderly stop,
    /// or a crash on the same machine, the next process takes over at once.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan LeaseDuration { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>
    /// The most events that a rebuild folds in memory before it writes the result; fewer if that takes 64 MiB, or
    /// longer to write than <see cref="RebuildTurn"/>. Default 100,000.
    /// </summary>
    [Range(1, 1_000_000)]
    public int RebuildBatchSize { get; set; } = 100_000;

    /// <summary>
    /// How long the live tables may wait for one transaction of a rebuild or an audit. Default 250 ms.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan RebuildTurn { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// The most events per second that a rebuild reads, to limit its load; 0, the default, for no limit.
    /// </summary>
    [Range(0, 10_000_000)]
    public int RebuildEventsPerSecond { get; set; }

    /// <summary>
    /// How long to keep tables that are no longer live before dropping them, since a query may have looked up their
    /// names just before. Default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00")]
    public TimeSpan DropDelay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The longest wait of a query for its consistency token, even if the call's own deadline is later. Default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan MaxTokenWait { get; set; } = TimeSpan.FromSeconds(5);
}
