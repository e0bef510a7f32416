using System.ComponentModel.DataAnnotations;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>The limits of the append queue. Configuration section <c>Append</c>.</summary>
public sealed class AppendOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Append";

    /// <summary>
    /// The most commands that may wait to be written; further ones are rejected with RESOURCE_EXHAUSTED. Audit entries
    /// of commands that append nothing have a separate limit of the same size. Default 4,096: about one second's worth,
    /// at the few thousand commands a second of a small machine.
    /// </summary>
    [Range(1, 1_000_000)]
    public int QueueLength { get; set; } = 4_096;

    /// <summary>
    /// The most bytes of payload that may wait to be written; further appends are rejected likewise. Default 64 MiB.
    /// </summary>
    [Range(2L * 1024 * 1024, 16L * 1024 * 1024 * 1024)]
    public long QueueBytes { get; set; } = 64L * 1024 * 1024;

    /// <summary>
    /// The most appends in one transaction. Default 256: no caller waits for more than a few hundred rows of others.
    /// </summary>
    [Range(1, 10_000)]
    public int MaxBatch { get; set; } = 256;

    /// <summary>
    /// The longest time that a transaction waits for more appends if the previous one was shared; a lone append never
    /// waits. Default 0: on a local disk, enough appends arrive while a transaction is written.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:01")]
    public TimeSpan MaxWait { get; set; } = TimeSpan.Zero;

    /// <summary>
    /// The retry delay sent with a rejection. Default 100 ms, in which the queue advances by hundreds of appends.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan RetryAfter { get; set; } = TimeSpan.FromMilliseconds(100);
}
