using GrpcCqrs.Storage.Jobs;
using Hangfire;

namespace GrpcCqrs.Jobs.Hangfire;

/// <summary>
/// What Hangfire stores for a job: this type, this method, and the id of the record that holds everything else.
/// Renaming any of them orphans stored jobs.
/// </summary>
[AutomaticRetry(Attempts = 0)] // The runner retries, and a record is resumed until it has ended.
[CancelWhenDeleted]
internal sealed class JobEntry(JobRunner runner)
{
    /// <summary>Runs the recorded job.</summary>
    /// <returns>The result, which the dashboard shows.</returns>
    /// <exception cref="JobFailedException">The job failed.</exception>
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
