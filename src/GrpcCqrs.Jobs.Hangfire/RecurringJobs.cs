using System.Globalization;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.EventStore;
using GrpcCqrs.Storage.Jobs;
using GrpcCqrs.Storage.Operations;
using GrpcCqrs.Storage.Projections;
using Hangfire;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Jobs.Hangfire;

/// <summary>
/// The scheduled jobs. Hangfire stores the names of the methods. Each may safely run twice. Failed runs are deleted,
/// because Hangfire would keep them for ever.
/// </summary>
[AutomaticRetry(Attempts = 0, OnAttemptsExceeded = AttemptsExceededAction.Delete)] // The next run retries.
[Queue(QueueName)]
internal sealed class RecurringJobs(
    CommitSignal signal,
    IEventStore store,
    IProjectionMonitor projections,
    ProjectionOperations operations,
    CommandRetention commands,
    JobOperations jobs,
    IOptions<JobScheduleOptions> options,
    TimeProvider clock)
{
    /// <summary>The names of the schedules that start jobs, also recorded as the user who started them.</summary>
    internal const string AuditSchedule = "audit-read-model";
    internal const string VerifySchedule = "verify-event-log";

    /// <summary>A separate queue with its own worker, so that long jobs do not delay scheduled ones.</summary>
    internal const string QueueName = "schedules";

    /// <summary>How long the read model may take to reach the head as of the start of the drain.</summary>
    private static readonly TimeSpan DrainPatience = TimeSpan.FromSeconds(45);

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Wakes the outbox drain, and fails if the live tables do not reach the end of the log.</summary>
    /// <exception cref="JobFailedException">They did not reach it in time.</exception>
    public async Task<string> DrainOutboxAsync(CancellationToken cancellationToken)
    {
        var begun = clock.GetTimestamp();
        var head = await store.ReadHeadAsync(cancellationToken);
        signal.Wake();
        while (true)
        {
            var live = projections.Current.Where(set => set.State == GenerationState.Live).ToArray();
            if (live.Length > 0 && live.All(set => set.Position >= head))
            {
                return string.Create(CultureInfo.InvariantCulture, $"The read model has seen event {head}.");
            }

            if (clock.GetElapsedTime(begun) > DrainPatience)
            {
                throw new JobFailedException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"The newest event is {head}; {(live.Length == 0 ? "no projection has started" : string.Join(", ", live.Where(set => set.Position < head).Select(set => $"{set.Name} stands at {set.Position}")))}."));
            }

            await Task.Delay(LookInterval, clock, cancellationToken);
        }
    }

    /// <summary>Removes command ids and job records that are past their retention.</summary>
    public async Task<string> DeleteExpiredRecordsAsync(CancellationToken cancellationToken)
    {
        var (ids, records) = (await commands.DeleteExpiredAsync(cancellationToken), await jobs.DeleteExpiredAsync(cancellationToken));
        return string.Create(CultureInfo.InvariantCulture, $"{ids} command ids and {records} job records removed.");
    }

    /// <summary>Starts an audit of a sample of the read model.</summary>
    public async Task<string> AuditAsync(CancellationToken cancellationToken) => operations.ByStreamNames.Count == 0
        ? "No projection of this service can be audited by stream."
        : await StartAsync(AuditSchedule, JobKinds.Audit, new JobArguments { Sample = options.Value.AuditSample }, cancellationToken);

    /// <summary>Starts a verification of the event log's hash chain.</summary>
    public Task<string> VerifyAsync(CancellationToken cancellationToken) => StartAsync(VerifySchedule, JobKinds.Verify, new JobArguments(), cancellationToken);

    /// <summary>Starts a job unless the previous job of the schedule has not ended yet.</summary>
    private async Task<string> StartAsync(string schedule, string kind, JobArguments arguments, CancellationToken cancellationToken)
    {
        var unfinished = await jobs.ListUnfinishedAsync(cancellationToken);
        if (unfinished.FirstOrDefault(job => job.User == schedule) is { } earlier)
        {
            return $"Job {earlier.Id} has not ended yet.";
        }

        return $"Job {(await jobs.StartAsync(kind, arguments, schedule, cancellationToken)).Id} started.";
    }
}
