using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage.Jobs;

/// <summary>
/// Runs one kind of job. A job may be interrupted at any time, even by SIGKILL, and is then resumed by this or another
/// process: a handler must reach the same state however often it is started.
/// </summary>
internal abstract class JobHandler
{
    /// <summary>The kind's name, which is stored in the records.</summary>
    public abstract string Kind { get; }

    /// <summary>A short description of a job of this kind, for a list of jobs.</summary>
    public abstract string Describe(JobArguments arguments);

    /// <summary>Checks the arguments and fills in derived values, such as the names of all projections.</summary>
    /// <exception cref="RejectedException">They refer to something that does not exist.</exception>
    public abstract JobArguments Prepare(JobArguments arguments);

    /// <summary>Runs the job, or the rest of it.</summary>
    /// <param name="job">The job, where it resumes, and where it reports progress.</param>
    /// <param name="cancellationToken">
    /// The process is stopping, has lost the job to another one, or an operator cancelled it.
    /// </param>
    /// <returns>The result, in one or a few sentences.</returns>
    /// <exception cref="RejectedException">
    /// The job is rejected: it fails, or is retried if the error is retryable.
    /// </exception>
    /// <exception cref="JobFailedException">The job is complete and found a fault.</exception>
    /// <exception cref="JobLostException">Another process runs it.</exception>
    public abstract Task<string> RunAsync(JobContext job, CancellationToken cancellationToken);

    /// <summary>Reverts what a cancelled job has started. Default: nothing.</summary>
    /// <returns>The result, in a sentence.</returns>
    public virtual Task<string> CancelAsync(JobContext job, CancellationToken cancellationToken) => Task.FromResult("Cancelled.");
}

/// <summary>A running job.</summary>
internal sealed class JobContext
{
    /// <summary>The minimum interval between progress writes; nothing reads them more often.</summary>
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

    /// <summary>The job as it was when this run started.</summary>
    public Job Job { get; }

    /// <summary>The job's arguments.</summary>
    public JobArguments Arguments => Job.Arguments;

    /// <summary>What identifies the requests that the job makes of the projecting process.</summary>
    internal (Guid Id, string User, DateTimeOffset CreatedTime) Origin => (Job.Id, Job.User, Job.CreatedTime);

    /// <summary>What was last saved, by this run or an earlier one; null if nothing was.</summary>
    public string? ResumeFrom { get; private set; }

    /// <summary>Saves where the job resumes if it is interrupted.</summary>
    /// <exception cref="JobLostException">Another process runs it.</exception>
    public async Task SaveAsync(string resumeFrom, CancellationToken cancellationToken)
    {
        ThrowIfLost(await store.SaveAsync(Job, resumeFrom, cancellationToken));
        ResumeFrom = resumeFrom;
    }

    /// <summary>Reports the job's progress. Reports within half a second of the last one are dropped.</summary>
    /// <param name="done">How much is done.</param>
    /// <param name="total">How much there is to do; 0 if not known.</param>
    /// <param name="message">What it is doing.</param>
    /// <param name="cancellationToken">Cancels the write.</param>
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
internal sealed class JobLostException() : Exception("Another process has taken the job over.");

/// <summary>A job is complete and found a fault, such as a broken log.</summary>
internal sealed class JobFailedException(string message) : Exception(message);
