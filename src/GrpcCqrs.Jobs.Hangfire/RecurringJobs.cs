using System.Globalization;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;
using GrpcCqrs.Storage.Jobs;
using Hangfire;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Jobs.Hangfire;

/// <summary>The jobs that run on a schedule. Hangfire stores the names of the methods; each may run twice without harm.</summary>
[AutomaticRetry(Attempts = 0, OnAttemptsExceeded = AttemptsExceededAction.Delete)] // The next occasion is the retry; failed jobs would be kept for ever.
[Queue(QueueName)]
public sealed class RecurringJobs(
    CommitSignal signal,
    IEventStore store,
    IProjectionMonitor projections,
    ProjectionOperations operations,
    CommandRetention commands,
    JobOperations jobs,
    IOptions<JobScheduleOptions> options,
    TimeProvider clock)
{
    /// <summary>The names of the schedules that start jobs, which is also who has started them.</summary>
    internal const string AuditSchedule = "audit-read-model";
    internal const string VerifySchedule = "verify-event-log";

    /// <summary>A queue of its own, with a worker of its own, so that long jobs do not hold up what is scheduled.</summary>
    internal const string QueueName = "schedules";

    /// <summary>How long the read model may take to reach what is the newest event when the drain begins.</summary>
    private static readonly TimeSpan DrainPatience = TimeSpan.FromSeconds(45);

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Wakes the drain of the outbox, and fails where the live tables do not reach the newest event.</summary>
    /// <exception cref="JobFailedException">They do not.</exception>
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

    /// <summary>Removes command ids and job records that are older than their retention.</summary>
    public async Task<string> DeleteExpiredRecordsAsync(CancellationToken cancellationToken)
    {
        var (ids, records) = (await commands.DeleteExpiredAsync(cancellationToken), await jobs.DeleteExpiredAsync(cancellationToken));
        return string.Create(CultureInfo.InvariantCulture, $"{ids} command ids and {records} job records removed.");
    }

    /// <summary>Starts an audit of a sample of the read model.</summary>
    public async Task<string> AuditAsync(CancellationToken cancellationToken) => operations.ByStreamNames.Count == 0
        ? "No projection of this service can be audited by stream."
        : await StartAsync(AuditSchedule, JobKinds.Audit, new JobArguments { Sample = options.Value.AuditSample }, cancellationToken);

    /// <summary>Starts a walk along the event log's hash chain.</summary>
    public Task<string> VerifyAsync(CancellationToken cancellationToken) => StartAsync(VerifySchedule, JobKinds.Verify, new JobArguments(), cancellationToken);

    /// <summary>Starts a job unless the one that the schedule has started before has not ended yet.</summary>
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
