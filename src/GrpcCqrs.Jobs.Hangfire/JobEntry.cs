using GrpcCqrs.Storage.Jobs;
using Hangfire;

namespace GrpcCqrs.Jobs.Hangfire;

/// <summary>
/// What Hangfire stores of a job of ours: this type, this method, and the id of the record that says all else. Renaming any of them
/// orphans the jobs that are stored.
/// </summary>
[AutomaticRetry(Attempts = 0)] // The runner tries again by itself, and a record is resumed until it has ended.
[CancelWhenDeleted]
public sealed class JobEntry(JobRunner runner)
{
    /// <summary>Runs the job that the record describes.</summary>
    /// <returns>What came of it, which the dashboard shows.</returns>
    /// <exception cref="JobFailedException">It has failed.</exception>
    public async Task<string> RunAsync(Guid jobId, CancellationToken cancellationToken) =>
        await runner.RunAsync(jobId, cancellationToken) switch
        {
            null => "There is no record of this job any more.",
            { State: JobState.Failed } job => throw new JobFailedException(job.Message),
            { HasEnded: true } job => job.Message,
            { State: JobState.Running } job => $"It runs in another process: {job.Owner}",
            { } job => $"No process of this version runs jobs of the kind {job.Kind}.",
        };
}
