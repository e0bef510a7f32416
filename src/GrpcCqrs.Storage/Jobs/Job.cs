using System.Text.Json.Serialization;

namespace GrpcCqrs.Storage.Jobs;

/// <summary>The state of a job.</summary>
internal enum JobState
{
    /// <summary>Waiting for a process to run it.</summary>
    Pending = 0,

    /// <summary>A process runs it, or did until it was killed.</summary>
    Running = 1,

    /// <summary>It succeeded.</summary>
    Succeeded = 2,

    /// <summary>It was rejected, or failed too often.</summary>
    Failed = 3,

    /// <summary>An operator cancelled it.</summary>
    Cancelled = 4,
}

/// <summary>The arguments of a job; each kind uses some of them.</summary>
internal sealed record JobArguments
{
    /// <summary>The projections; empty for all that the kind supports.</summary>
    public IReadOnlyList<string> Projections { get; init; } = [];

    /// <summary>
    /// For a rebuild: whether a generation that differs from the live one awaits approval instead of becoming live.
    /// </summary>
    public bool HoldOnDifference { get; init; }

    /// <summary>The stream, or the first of a range; null for all.</summary>
    public string? Stream { get; init; }

    /// <summary>The last stream of a range; null for one stream.</summary>
    public string? LastStream { get; init; }

    /// <summary>For an audit: how many streams to sample at random; 0 for all.</summary>
    public int Sample { get; init; }
}

/// <summary>A job as recorded in the write database.</summary>
/// <param name="Id">Its id, version 7.</param>
/// <param name="Kind">Its kind: the name of a registered <see cref="JobHandler"/>.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="User">The user who started it.</param>
/// <param name="CreatedTime">When it was started.</param>
internal sealed record Job(Guid Id, string Kind, JobArguments Arguments, string User, DateTimeOffset CreatedTime)
{
    /// <summary>Its state.</summary>
    public JobState State { get; init; }

    /// <summary>How often a process has started or resumed it.</summary>
    public int Attempts { get; init; }

    /// <summary>The process that runs it or ran it last; empty for none.</summary>
    public string Owner { get; init; } = "";

    /// <summary>How much is done, in the kind's own unit (events or streams).</summary>
    public long Done { get; init; }

    /// <summary>How much there is to do; 0 if not known.</summary>
    public long Total { get; init; }

    /// <summary>What it is doing, its result, or why it failed, in one or a few sentences.</summary>
    public string Message { get; init; } = "";

    /// <summary>The user who requested its cancellation; null if it was not requested.</summary>
    public string? CancelledBy { get; init; }

    /// <summary>When its record last changed, not counting heartbeats.</summary>
    public DateTimeOffset UpdatedTime { get; init; }

    /// <summary>When it ended; null if it has not.</summary>
    public DateTimeOffset? EndTime { get; init; }

    /// <summary>Whether it is in a final state.</summary>
    public bool HasEnded => State is JobState.Succeeded or JobState.Failed or JobState.Cancelled;

    /// <summary>
    /// The fencing token: every write of a runner requires it, and each new runner gets a larger one.
    /// </summary>
    internal long Fence { get; init; }

    /// <summary>The heartbeat: increases with every write of the runner.</summary>
    internal long Beat { get; init; }

    /// <summary>Where the kind resumes, in the kind's own format; null before the first save.</summary>
    internal string? ResumeFrom { get; init; }
}

/// <summary>
/// Queues a job to run in the background. Delivery may be lost or repeated: the job's record is authoritative.
/// </summary>
internal interface IJobQueue
{
    /// <summary>
    /// Schedules a call to <see cref="JobRunner.RunAsync"/> for the job, in this process or another one.
    /// </summary>
    void Enqueue(Guid jobId);
}

[JsonSerializable(typeof(JobArguments))]
[JsonSerializable(typeof(Dictionary<string, int>))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
internal sealed partial class JobJson : JsonSerializerContext;
