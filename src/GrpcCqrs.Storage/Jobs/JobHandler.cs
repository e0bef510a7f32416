using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage.Jobs;

/// <summary>
/// Does one kind of job. A job may be interrupted at any moment, also by SIGKILL, and is then resumed by this or another process: a handler
/// must end in the same state however often it is begun.
/// </summary>
public abstract class JobHandler
{
    /// <summary>The kind's name, which records keep.</summary>
    public abstract string Kind { get; }

    /// <summary>What a job of this kind does, in a few words for a list of jobs.</summary>
    public abstract string Describe(JobArguments arguments);

    /// <summary>Checks the arguments and fills in what follows from them, such as the names of all projections.</summary>
    /// <exception cref="RejectedException">They ask for something that there is not.</exception>
    public abstract JobArguments Prepare(JobArguments arguments);

    /// <summary>Does the job, or what is left of it.</summary>
    /// <param name="job">The job, where it resumes, and where it reports.</param>
    /// <param name="cancellationToken">The process stops, has lost the job to another one, or an operator cancels.</param>
    /// <returns>What came of it, in a sentence or a few.</returns>
    /// <exception cref="RejectedException">It is refused: the job fails; or, where it is retryable, is tried again.</exception>
    /// <exception cref="JobFailedException">It has done its work and found a fault.</exception>
    /// <exception cref="JobLostException">Another process runs it.</exception>
    public abstract Task<string> RunAsync(JobContext job, CancellationToken cancellationToken);

    /// <summary>Takes back what a cancelled job has begun. Default: nothing.</summary>
    /// <returns>What became of it, in a sentence.</returns>
    public virtual Task<string> CancelAsync(JobContext job, CancellationToken cancellationToken) => Task.FromResult("Cancelled.");
}

/// <summary>A job under way.</summary>
public sealed class JobContext
{
    /// <summary>How often progress is written at most; more often than this nobody looks.</summary>
    private static readonly TimeSpan ReportInterval = TimeSpan.FromMilliseconds(500);

    private readonly JobStore store;
    private readonly TimeProvider clock;
    private long? reportedAt;

    internal JobContext(Job job, JobStore store, TimeProvider clock)
    {
        Job = job;
        ResumeFrom = job.ResumeFrom;
        this.store = store;
        this.clock = clock;
    }

    /// <summary>The job as it was when this run began.</summary>
    public Job Job { get; }

    /// <summary>With what.</summary>
    public JobArguments Arguments => Job.Arguments;

    /// <summary>What was saved last, by this run or an earlier one; null where nothing was.</summary>
    public string? ResumeFrom { get; private set; }

    /// <summary>Saves from where the job resumes when it is interrupted.</summary>
    /// <exception cref="JobLostException">Another process runs it.</exception>
    public async Task SaveAsync(string resumeFrom, CancellationToken cancellationToken)
    {
        ThrowIfLost(await store.SaveAsync(Job, resumeFrom, cancellationToken));
        ResumeFrom = resumeFrom;
    }

    /// <summary>Says how far the job has come. What comes within half a second of the last report is left out.</summary>
    /// <param name="done">How much is done.</param>
    /// <param name="total">How much there is to do; 0 where that is not known.</param>
    /// <param name="message">What it is doing.</param>
    /// <param name="cancellationToken">Ends the write.</param>
    /// <exception cref="JobLostException">Another process runs it.</exception>
    public async Task ReportAsync(long done, long total, string message, CancellationToken cancellationToken)
    {
        if (reportedAt is not { } last || clock.GetElapsedTime(last) >= ReportInterval)
        {
            reportedAt = clock.GetTimestamp();
            ThrowIfLost(await store.ReportAsync(Job, done, total, message, cancellationToken));
        }
    }

    private static void ThrowIfLost(bool isHeld)
    {
        if (!isHeld)
        {
            throw new JobLostException();
        }
    }
}

/// <summary>Another process has taken the job over; this one must stop at once.</summary>
public sealed class JobLostException() : Exception("Another process has taken the job over.");

/// <summary>A job has done its work and found a fault, such as a broken log.</summary>
public sealed class JobFailedException(string message) : Exception(message);
