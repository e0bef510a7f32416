using System.ComponentModel.DataAnnotations;

namespace GrpcCqrs.Storage;

/// <summary>Where the databases are. Configuration section <c>Storage</c>.</summary>
public sealed class StorageOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Storage";

    /// <summary>
    /// The folder of embedded databases, made where it is missing; relative to the working directory. Default <c>data</c>.
    /// </summary>
    [Required]
    public string Directory { get; set; } = "data";

    /// <summary>The database of events, outbox, command ids and audit log.</summary>
    [Required]
    public DatabaseOptions Write { get; set; } = new();

    /// <summary>The database of denormalised tables. Must not be the write database.</summary>
    [Required]
    public DatabaseOptions Read { get; set; } = new();
}

/// <summary>One database.</summary>
public sealed class DatabaseOptions
{
    /// <summary>The kind of database: the name of a registered provider. Default <c>Sqlite</c>.</summary>
    [Required]
    public string Provider { get; set; } = "Sqlite";

    /// <summary>
    /// The ADO.NET connection string. Null: the provider's default, for Sqlite a file in <see cref="StorageOptions.Directory"/>;
    /// providers of database servers have none and demand one.
    /// </summary>
    public string? ConnectionString { get; set; }
}

/// <summary>Bounds of the append queue. Configuration section <c>Append</c>.</summary>
public sealed class AppendOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Append";

    /// <summary>
    /// How many commands may wait to be written; one more is refused with RESOURCE_EXHAUSTED. As many audit entries of commands that
    /// append nothing may wait beside them. Default 4,096: at the few thousand commands a second of a small machine, about a
    /// second's worth.
    /// </summary>
    [Range(1, 1_000_000)]
    public int QueueLength { get; set; } = 4_096;

    /// <summary>How many bytes of payload may wait to be written; at the limit as for the length. Default 64 MiB.</summary>
    [Range(2L * 1024 * 1024, 16L * 1024 * 1024 * 1024)]
    public long QueueBytes { get; set; } = 64L * 1024 * 1024;

    /// <summary>How many appends share one transaction at most. Default 256, so that no caller waits behind more than some
    /// hundreds of others' rows.</summary>
    [Range(1, 10_000)]
    public int MaxBatch { get; set; } = 256;

    /// <summary>
    /// How long a transaction waits for more appends at most, while the one before it was shared; a lone append never waits. Default
    /// 0: what gathers while a transaction is written is company enough on a local disk.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:01")]
    public TimeSpan MaxWait { get; set; } = TimeSpan.Zero;

    /// <summary>What a refused caller is told to wait. Default 100 ms, in which the queue moves on by hundreds of appends.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan RetryAfter { get; set; } = TimeSpan.FromMilliseconds(100);
}

/// <summary>What a process does with projections.</summary>
public enum ProjectionMode
{
    /// <summary>It projects, or stands by while another process does; the outbox is trimmed behind it.</summary>
    Project,

    /// <summary>The same for a read database beside the one that the outbox is for; it is fed from the event log.</summary>
    ProjectApart,

    /// <summary>It reads how far the process that projects has come, and answers queries.</summary>
    Follow,

    /// <summary>It uses no read database.</summary>
    Off,
}

/// <summary>How projections are run. Configuration section <c>Projections</c>.</summary>
public sealed class ProjectionOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Projections";

    /// <summary>What this process does with projections. Default <see cref="ProjectionMode.Project"/>; a host sets it from the node's role.</summary>
    public ProjectionMode Mode { get; set; } = ProjectionMode.Project;

    /// <summary>How many events one read-database transaction takes at most. Default 500.</summary>
    [Range(1, 100_000)]
    public int BatchSize { get; set; } = 500;

    /// <summary>
    /// How long the runner waits for a wake-up before it looks by itself: the safety net, should a wake-up have been lost. Default 1 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How often a write database that does not itself tell of commits is asked for its newest position, so that the runner is woken
    /// for what other processes wrote. Each time is one read of one row. Without effect on PostgreSQL, which tells. Default 100 ms.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan WatchInterval { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The pause between two batches while events come in faster than one at a time, so that they gather; a lone event and a catch-up
    /// never wait. Default 2 ms, by which a busy read model is later at most.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:01")]
    public TimeSpan BusyPause { get; set; } = TimeSpan.FromMilliseconds(2);

    /// <summary>The wait before a failed batch is tried again; doubled at each failure. Default 200 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest wait between two tries. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How often an event is tried before it is parked, where the projection allows that a stream is left behind. Default 5.
    /// </summary>
    [Range(1, 1_000)]
    public int ParkAfter { get; set; } = 5;

    /// <summary>
    /// How long the projecting process may stay silent before another one takes over. Default 4 s. A process that stops in good
    /// order, or that died on the same machine, is followed at once.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan LeaseDuration { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>
    /// How many events a rebuild folds in memory at most before it writes what they came to; fewer where that takes 64 MiB, or longer to
    /// write than <see cref="RebuildTurn"/>. Default 100,000.
    /// </summary>
    [Range(1, 1_000_000)]
    public int RebuildBatchSize { get; set; } = 100_000;

    /// <summary>
    /// How long the live tables may wait behind one transaction of a rebuild or of an audit. Default 250 ms.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan RebuildTurn { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How many events a second a rebuild takes at most, to spare the machine; 0 for no limit, the default.</summary>
    [Range(0, 10_000_000)]
    public int RebuildEventsPerSecond { get; set; }

    /// <summary>
    /// How long tables that are no longer live are left as they are, since a query may have looked up their names just before.
    /// Default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00")]
    public TimeSpan DropDelay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a query waits for its consistency token at most, also where the call's own deadline is later. Default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan MaxTokenWait { get; set; } = TimeSpan.FromSeconds(5);
}
