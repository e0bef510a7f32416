using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Readers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage.Jobs;

/// <summary>How long job records are kept. Configuration section <c>Jobs</c>.</summary>
public sealed class JobRetentionOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Jobs";

    /// <summary>How long the record of an ended job is kept. Default 30 days; at least an hour.</summary>
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(30);
}

/// <summary>Operations on jobs. A job started here runs to its end, even if this process does not.</summary>
internal sealed partial class JobOperations
{
    /// <summary>
    /// More unfinished jobs than there ever are in practice. Any further ones are found once these have ended.
    /// </summary>
    private const int MaxUnfinished = 1_000;

    private static readonly TimeSpan MaxPatience = TimeSpan.FromMinutes(10);

    private readonly JobStore store;
    private readonly Dictionary<string, JobHandler> handlers;
    private readonly IJobQueue? queue;
    private readonly TimeProvider clock;
    private readonly TimeSpan retention;
    private readonly ILogger<JobOperations> logger;
    private Dictionary<Guid, Sighting> lastSeen = [];

    internal JobOperations(JobStore store, IEnumerable<JobHandler> handlers, IJobQueue? queue, IOptions<JobRetentionOptions> options, TimeProvider clock, ILogger<JobOperations> logger)
    {
        this.store = store;
        this.handlers = handlers.ToDictionary(handler => handler.Kind, StringComparer.Ordinal);
        this.queue = queue;
        this.clock = clock;
        this.logger = logger;
        retention = options.Value.Retention;
    }

    /// <summary>Records a job and enqueues it.</summary>
    /// <param name="kind">The <see cref="JobKinds">kind</see>.</param>
    /// <param name="arguments">The arguments.</param>
    /// <param name="user">The user who starts it.</param>
    /// <param name="cancellationToken">Cancels the wait for the record.</param>
    /// <exception cref="RejectedException">The arguments refer to something that does not exist.</exception>
    /// <exception cref="ArgumentException">There is no such kind.</exception>
    /// <exception cref="System.Data.Common.DbException">The write database fails.</exception>
    public async Task<Job> StartAsync(string kind, JobArguments arguments, string user, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        if (!handlers.TryGetValue(kind, out var handler))
        {
            throw new ArgumentException($"There is no kind of job named '{kind}'; there are {string.Join(", ", handlers.Keys)}.", nameof(kind));
        }

        var job = await store.AddAsync(kind, handler.Prepare(arguments), user, cancellationToken);
        TryEnqueue(job.Id);
        return job;
    }

    /// <summary>
    /// Requests the cancellation of a job. A waiting job ends at once, a running one within seconds. No effect on an
    /// ended job.
    /// </summary>
    public Task CancelAsync(Guid id, string user, CancellationToken cancellationToken) => store.CancelAsync(id, user, cancellationToken);

    /// <summary>The job with this id, or null.</summary>
    public Task<Job?> FindAsync(Guid id, CancellationToken cancellationToken) => store.FindAsync(id, cancellationToken);

    /// <summary>Jobs that were started before a time, newest first.</summary>
    public async Task<IReadOnlyList<Job>> ListAsync(DateTimeOffset before, int count, CancellationToken cancellationToken) =>
        await store.ReadNewestAsync(before, count, cancellationToken);

    /// <summary>The jobs that have not ended, oldest first, at most 1,000.</summary>
    public async Task<IReadOnlyList<Job>> ListUnfinishedAsync(CancellationToken cancellationToken) =>
        await store.ReadUnfinishedAsync(MaxUnfinished, cancellationToken);

    /// <summary>
    /// Enqueues all unfinished jobs. A process does this at its start, since an in-memory queue has lost them.
    /// </summary>
    /// <returns>The number of jobs.</returns>
    public async Task<int> EnqueueUnfinishedAsync(CancellationToken cancellationToken)
    {
        var unfinished = await store.ReadUnfinishedAsync(MaxUnfinished, cancellationToken);
        unfinished.ForEach(job => TryEnqueue(job.Id));
        return unfinished.Count;
    }

    /// <summary>
    /// Enqueues the jobs whose process has died or that were never enqueued: those without a heartbeat for as long as a
    /// runner may be silent. A job that waits in a long queue looks the same, so it is enqueued again at increasing
    /// intervals.
    /// </summary>
    /// <returns>The number of jobs.</returns>
    public async Task<int> EnqueueStalledAsync(CancellationToken cancellationToken)
    {
        var unfinished = await store.ReadUnfinishedAsync(MaxUnfinished, cancellationToken);
        var now = clock.GetTimestamp();
        var (before, seen) = (lastSeen, new Dictionary<Guid, Sighting>());
        var stalled = 0;
        foreach (var job in unfinished)
        {
            var sighting = before.TryGetValue(job.Id, out var last) && last.Beat == job.Beat
                ? last
                : new Sighting(job.Beat, now, LeaseHolder.HasDied(job.Owner) ? TimeSpan.Zero : JobRunner.LeaseDuration);
            if (clock.GetElapsedTime(sighting.Since) >= sighting.Patience)
            {
                TryEnqueue(job.Id);
                stalled++;
                var longer = sighting.Patience < JobRunner.LeaseDuration ? JobRunner.LeaseDuration : sighting.Patience * 2;
                sighting = new Sighting(job.Beat, now, longer < MaxPatience ? longer : MaxPatience);
            }

            seen[job.Id] = sighting;
        }

        lastSeen = seen;
        return stalled;
    }

    /// <summary>A short description of a job.</summary>
    public string Describe(Job job)
    {
        ArgumentNullException.ThrowIfNull(job);
        return handlers.TryGetValue(job.Kind, out var handler) ? handler.Describe(job.Arguments) : job.Kind;
    }

    /// <summary>Removes the records of jobs that ended before the retention period; returns their number.</summary>
    public Task<int> DeleteExpiredAsync(CancellationToken cancellationToken) => store.DeleteExpiredAsync(clock.GetUtcNow() - retention, cancellationToken);

    /// <summary>
    /// The record is already written, so a queue failure only delays the job: it is found as stalled later.
    /// </summary>
    private void TryEnqueue(Guid jobId)
    {
        try
        {
            queue?.Enqueue(jobId);
        }
        catch (Exception exception)
        {
            LogNotEnqueued(logger, jobId, exception);
        }
    }

    [LoggerMessage(1507, LogLevel.Warning, "Job {Id} could not be enqueued; this is tried again")]
    private static partial void LogNotEnqueued(ILogger logger, Guid id, Exception exception);

    /// <param name="Beat">The last heartbeat seen.</param>
    /// <param name="Since">When it was first seen, or the job was last enqueued.</param>
    /// <param name="Patience">How long after that the job is enqueued again.</param>
    private sealed record Sighting(long Beat, long Since, TimeSpan Patience);
}
