using System.Text.Json.Serialization;

namespace GrpcCqrs.Storage.Jobs;

/// <summary>How far a job has come.</summary>
public enum JobState
{
    /// <summary>It waits for a process to run it.</summary>
    Pending = 0,

    /// <summary>A process runs it, or did until it was killed.</summary>
    Running = 1,

    /// <summary>It has done what was asked for.</summary>
    Succeeded = 2,

    /// <summary>It was refused, or failed too often.</summary>
    Failed = 3,

    /// <summary>An operator cancelled it.</summary>
    Cancelled = 4,
}

/// <summary>What a job is to do; each kind uses some of it.</summary>
public sealed record JobArguments
{
    /// <summary>The projections; empty for all that the kind can work on.</summary>
    public IReadOnlyList<string> Projections { get; init; } = [];

    /// <summary>Of a rebuild: whether tables that differ from the live ones await approval in place of being switched to.</summary>
    public bool HoldOnDifference { get; init; }

    /// <summary>The stream, or the first of a range; null for all.</summary>
    public string? Stream { get; init; }

    /// <summary>The last stream of a range; null for one stream.</summary>
    public string? LastStream { get; init; }

    /// <summary>Of an audit: how many streams are drawn at random; 0 for all.</summary>
    public int Sample { get; init; }
}

/// <summary>A job as its record in the write database tells it.</summary>
/// <param name="Id">Its id, version 7.</param>
/// <param name="Kind">What it does: the name of a registered <see cref="JobHandler"/>.</param>
/// <param name="Arguments">With what.</param>
/// <param name="User">Who started it.</param>
/// <param name="CreatedTime">When it was started.</param>
public sealed record Job(Guid Id, string Kind, JobArguments Arguments, string User, DateTimeOffset CreatedTime)
{
    /// <summary>How far it has come.</summary>
    public JobState State { get; init; }

    /// <summary>How often a process has begun or resumed it.</summary>
    public int Attempts { get; init; }

    /// <summary>The process that runs it, or ran it last; empty for none.</summary>
    public string Owner { get; init; } = "";

    /// <summary>How much is done, in the kind's own unit (events or streams).</summary>
    public long Done { get; init; }

    /// <summary>How much there is to do; 0 where that is not known.</summary>
    public long Total { get; init; }

    /// <summary>What it is doing, what came of it, or why it failed, in a sentence or a few.</summary>
    public string Message { get; init; } = "";

    /// <summary>Who asked to cancel it; null where nobody has.</summary>
    public string? CancelledBy { get; init; }

    /// <summary>When its record last changed, but for signs of life.</summary>
    public DateTimeOffset UpdatedTime { get; init; }

    /// <summary>When it ended; null where it has not.</summary>
    public DateTimeOffset? EndTime { get; init; }

    /// <summary>Whether nothing more will be done.</summary>
    public bool HasEnded => State is JobState.Succeeded or JobState.Failed or JobState.Cancelled;

    /// <summary>The fencing token: every write of a runner demands it, and each runner gets a larger one.</summary>
    internal long Fence { get; init; }

    /// <summary>Grows with every write of the runner, as a sign of life.</summary>
    internal long Beat { get; init; }

    /// <summary>From where the kind resumes, in the kind's own form; null before its first save.</summary>
    internal string? ResumeFrom { get; init; }
}

/// <summary>Hands a job to whatever runs jobs in the background. Delivery may be lost or repeated: the record is the truth.</summary>
public interface IJobQueue
{
    /// <summary>Has <see cref="JobRunner.RunAsync"/> called for the job soon, in this process or another one.</summary>
    void Enqueue(Guid jobId);
}

[JsonSerializable(typeof(JobArguments))]
[JsonSerializable(typeof(Dictionary<string, int>))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
internal sealed partial class JobJson : JsonSerializerContext;
