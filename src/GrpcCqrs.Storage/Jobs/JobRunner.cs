using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Readers;
using Microsoft.Extensions.Logging;

namespace GrpcCqrs.Storage.Jobs;

/// <summary>
/// Runs jobs, each in one process at a time, based on the record in the write database. A process that gets a job
/// acquires its lease, renews it with a heartbeat, and writes under its fencing token (Burrows' Chubby, 2006). So a job
/// that is delivered twice runs once, and one whose process was killed is resumed. A contender takes over when the
/// heartbeat has not changed for the lease's duration on its own monotonic clock, or at once if the owner was a process
/// on this machine that has ended.
/// </summary>
internal sealed partial class JobRunner
{
    /// <summary>How long an owner may stay silent before another process takes over a job.</summary>
    internal static readonly TimeSpan LeaseDuration = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan BeatInterval = LeaseDuration / 5;
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>How often in a row a job is retried after a transient error: for some minutes in total.</summary>
    private const int MaxFailures = 25;

    /// <summary>A run that lasted this long resets the failure count.</summary>
    private static readonly TimeSpan LongRun = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan MaxRetryDelay = TimeSpan.FromSeconds(30);

    private readonly JobStore store;
    private readonly Dictionary<string, JobHandler> handlers;
    private readonly TimeProvider clock;
    private readonly ILogger<JobRunner> logger;
    private readonly string owner = LeaseHolder.NewName();

    internal JobRunner(JobStore store, IEnumerable<JobHandler> handlers, TimeProvider clock, ILogger<JobRunner> logger)
    {
        this.store = store;
        this.handlers = handlers.ToDictionary(handler => handler.Kind, StringComparer.Ordinal);
        this.clock = clock;
        this.logger = logger;
    }

    /// <summary>
    /// Runs a job to its end. Returns at once if it has ended, runs in another process, or is unknown to this version.
    /// </summary>
    /// <param name="jobId">The job.</param>
    /// <param name="cancellationToken">This process is stopping: the job is released, to be resumed.</param>
    /// <returns>The job's final record in this run; null if there is no job with this id.</returns>
    /// <exception cref="OperationCanceledException">The process is stopping.</exception>
    /// <exception cref="DbException">The write database fails; the job is resumed later.</exception>
    public async Task<Job?> RunAsync(Guid jobId, CancellationToken cancellationToken)
    {
        if (await store.FindAsync(jobId, cancellationToken) is not { } found || !handlers.TryGetValue(found.Kind, out var handler)
            || await TakeAsync(found, cancellationToken) is not { } taken)
        {
            return await store.FindAsync(jobId, cancellationToken);
        }

        LogBegun(logger, taken.Kind, jobId, taken.Attempts);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var beating = BeatAsync(taken, ending);
        try
        {
            // A job that was cancelled while no process ran it is not started again.
            await (taken.CancelledBy is null
                ? WorkAsync(handler, taken, ending.Token, cancellationToken)
                : InterruptedAsync(handler, new JobContext(taken, store, clock), cancellationToken));
        }
        catch (JobLostException)
        {
            LogLost(logger, taken.Kind, jobId);
        }
        finally
        {
            await ending.CancelAsync();
            await beating;
        }

        return await store.FindAsync(jobId, CancellationToken.None);
    }

    private async Task WorkAsync(JobHandler handler, Job job, CancellationToken working, CancellationToken stopping)
    {
        var context = new JobContext(job, store, clock);
        for (var failures = 0; ; failures++)
        {
            var begun = clock.GetTimestamp();
            try
            {
                await EndAsync(job, JobState.Succeeded, await handler.RunAsync(context, working));
                return;
            }
            catch (OperationCanceledException) when (working.IsCancellationRequested)
            {
                await InterruptedAsync(handler, context, stopping);
                return;
            }
            catch (Exception exception) when (IsPassing(exception) && failures < MaxFailures)
            {
                LogRetried(logger, job.Kind, job.Id, exception);
                failures = clock.GetElapsedTime(begun) > LongRun ? 0 : failures;
                var delay = (exception as RejectedException)?.RetryAfter ?? Backoff.After(failures + 1, FirstRetryDelay, MaxRetryDelay);
                try
                {
                    await Task.Delay(delay < MaxRetryDelay ? delay : MaxRetryDelay, clock, working);
                }
                catch (OperationCanceledException)
                {
                    await InterruptedAsync(handler, context, stopping);
                    return;
                }
            }
            catch (Exception exception) when (exception is not JobLostException)
            {
                LogFailed(logger, job.Kind, job.Id, exception);
                await EndAsync(job, JobState.Failed, exception is RejectedException or JobFailedException ? exception.Message : ErrorText.Of(exception));
                return;
            }
        }
    }

    /// <summary>
    /// Handles an interruption: the process is stopping, an operator cancelled the job, or another process took it
    /// over.
    /// </summary>
    private async Task InterruptedAsync(JobHandler handler, JobContext context, CancellationToken stopping)
    {
        var job = context.Job;
        var now = await store.FindAsync(job.Id, CancellationToken.None);
        if (now is null || now.Fence != job.Fence)
        {
            throw new JobLostException();
        }

        if (now.CancelledBy is { } user)
        {
            using var patience = new CancellationTokenSource(MaxRetryDelay, clock);
            await EndAsync(job, JobState.Cancelled, $"{await handler.CancelAsync(context, patience.Token)} By {user}.");
            return;
        }

        await store.ReleaseAsync(job, CancellationToken.None);
        stopping.ThrowIfCancellationRequested();
        throw new JobLostException();
    }

    private async Task EndAsync(Job job, JobState state, string message)
    {
        if (!await store.FinishAsync(job, state, message, CancellationToken.None))
        {
            throw new JobLostException();
        }

        LogEnded(logger, job.Kind, job.Id, state, message);
    }

    /// <summary>Takes the job if no process runs it; null if it has ended or another process runs it.</summary>
    private async Task<Job?> TakeAsync(Job job, CancellationToken cancellationToken)
    {
        var (seen, since) = (job, clock.GetTimestamp());
        while (!seen.HasEnded)
        {
            var isFree = seen.State == JobState.Pending || LeaseHolder.HasDied(seen.Owner) || clock.GetElapsedTime(since) >= LeaseDuration;
            if (isFree && await store.TakeAsync(seen, owner, cancellationToken) is { } taken)
            {
                return taken;
            }

            if (!isFree)
            {
                await Task.Delay(LookInterval, clock, cancellationToken);
            }

            if (await store.FindAsync(job.Id, cancellationToken) is not { } now || (now.State == JobState.Running && now.Beat != seen.Beat))
            {
                return null; // Its owner is alive.
            }

            seen = now;
        }

        return null;
    }

    /// <summary>Sends heartbeats, and ends the work if the job is lost or cancelled.</summary>
    private async Task BeatAsync(Job job, CancellationTokenSource ending)
    {
        var since = clock.GetTimestamp();
        try
        {
            while (true)
            {
                await Task.Delay(BeatInterval, clock, ending.Token);
                try
                {
                    if (!await store.BeatAsync(job, ending.Token) || await store.FindAsync(job.Id, ending.Token) is not { CancelledBy: null })
                    {
                        await ending.CancelAsync();
                        return;
                    }

                    since = clock.GetTimestamp();
                }
                catch (Exception exception) when (!ending.IsCancellationRequested)
                {
                    // No other process takes the job until the lease has expired.
                    LogNotBeaten(logger, job.Kind, job.Id, exception);
                    if (clock.GetElapsedTime(since) >= LeaseDuration)
                    {
                        await ending.CancelAsync();
                        return;
                    }
                }
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The work has ended.
        }
    }

    [LoggerMessage(1506, LogLevel.Warning, "The lease of job {Kind} {Id} could not be kept; this is tried again until it has run out")]
    private static partial void LogNotBeaten(ILogger logger, string kind, Guid id, Exception exception);

    private static bool IsPassing(Exception exception) =>
        exception is DbException or TimeoutException || exception is RejectedException { Code.Retryable: true } or RejectedException { RetryAfter: not null };

    [LoggerMessage(1501, LogLevel.Information, "Job {Kind} {Id} begins, attempt {Attempt}")]
    private static partial void LogBegun(ILogger logger, string kind, Guid id, int attempt);

    [LoggerMessage(1502, LogLevel.Information, "Job {Kind} {Id} has ended as {State}: {Message}")]
    private static partial void LogEnded(ILogger logger, string kind, Guid id, JobState state, string message);

    [LoggerMessage(1503, LogLevel.Warning, "Job {Kind} {Id} is tried again")]
    private static partial void LogRetried(ILogger logger, string kind, Guid id, Exception exception);

    [LoggerMessage(1504, LogLevel.Error, "Job {Kind} {Id} failed")]
    private static partial void LogFailed(ILogger logger, string kind, Guid id, Exception exception);

    [LoggerMessage(1505, LogLevel.Warning, "Job {Kind} {Id} was taken over by another process")]
    private static partial void LogLost(ILogger logger, string kind, Guid id);
}
