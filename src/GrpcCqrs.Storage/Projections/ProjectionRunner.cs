using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using GrpcCqrs.Storage.Readers;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage.Projections;

/// <summary>
/// Drains the outbox into the read database while this process holds the projector's lease; otherwise stands by and
/// follows the holder's checkpoints. Generations at the same position share a transaction. A projection that fails is
/// retried alone, with increasing delays, while the others continue. A projection whose position the outbox no longer
/// covers reads from the event log.
/// </summary>
internal sealed partial class ProjectionRunner(
    Projector projector,
    Rebuilder rebuilder,
    OperatorWork operators,
    ParkedEvents parked,
    IEventStore store,
    IOutbox outbox,
    ReadModelFollower follower,
    CommitSignal signal,
    ReadModel readModel,
    IOptions<ProjectionOptions> options,
    TimeProvider clock,
    ILogger<ProjectionRunner> logger) : BackgroundService
{
    /// <summary>How often a follower reads the checkpoints while a query waits for them, and while none does.</summary>
    private static readonly TimeSpan FollowInterval = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan IdleFollowInterval = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan MaxFollowPause = TimeSpan.FromSeconds(1);

    private readonly ProjectionOptions options = options.Value;
    private readonly TimeSpan contendInterval = options.Value.LeaseDuration / 4;
    private long contendedAt;
    private int largestBatch;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await projector.ResetAsync();
        try
        {
            await projector.Lease.ReleaseAsync(cancellationToken);
        }
        catch (System.Data.Common.DbException exception)
        {
            // No action needed: the lease expires by itself.
            LogDrainFailed(logger, exception);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        var failures = 0;
        while (projector.HasProjections && options.Mode != ProjectionMode.Off && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await MayProjectAsync(stoppingToken))
                {
                    await ProjectOnceAsync(stoppingToken);
                }
                else
                {
                    await FollowOnceAsync(stoppingToken);
                }

                failures = 0;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is CheckpointMovedException or LeaseLostException)
            {
                LogSuperseded(logger, exception.Message);
                await projector.ResetAsync();
            }
#pragma warning disable CA1031 // The drain must survive any database error; health checks and the log report it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                LogDrainFailed(logger, exception);
                await projector.ResetAsync();
                failures++;

                // A follower needs a short pause, so that it notices a switch in time.
                var longest = projector.Lease.Fence is null && MaxFollowPause < options.MaxRetryDelay ? MaxFollowPause : options.MaxRetryDelay;
                await Task.Delay(Backoff.After(failures, options.RetryDelay, longest), clock, stoppingToken)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Whether this process holds the lease; tries to acquire it at intervals if not.</summary>
    private async ValueTask<bool> MayProjectAsync(CancellationToken cancellationToken)
    {
        if (projector.Lease.Fence is null)
        {
            if (options.Mode == ProjectionMode.Follow)
            {
                return false;
            }

            if (contendedAt != 0 && clock.GetElapsedTime(contendedAt) < contendInterval)
            {
                return false;
            }

            contendedAt = clock.GetTimestamp();
            if (!await projector.Lease.TryTakeAsync(cancellationToken))
            {
                return false;
            }
        }

        if (projector.States.Count == 0)
        {
            await projector.LoadAsync(cancellationToken);
            await parked.RetryUnknownTypesAsync(cancellationToken);
        }

        return true;
    }

    private async Task ProjectOnceAsync(CancellationToken cancellationToken)
    {
        largestBatch = 0;
        var hasMore = await DrainOnceAsync(cancellationToken);
        var isOccupied = await operators.ServeOpenRequestsAsync(cancellationToken);
        isOccupied |= await rebuilder.AdvanceAsync(cancellationToken);
        if (isOccupied)
        {
            projector.Publish();
        }
        else if (!hasMore)
        {
            await projector.Lease.BeatAsync(cancellationToken);
            await signal.WaitAsync(WaitTime(), cancellationToken);
        }
        else if (largestBatch > 1 && largestBatch < options.BatchSize)
        {
            // Busy but not lagging: a short pause makes batches larger, and a large batch costs little more than a
            // small one.
            await Task.Delay(options.BusyPause, clock, cancellationToken);
        }
    }

    /// <summary>Applies one batch to every generation that is ready; returns whether there may be more to do.</summary>
    private async Task<bool> DrainOnceAsync(CancellationToken cancellationToken)
    {
        var hasMore = false;
        var now = clock.GetUtcNow();
        var ready = projector.States.Where(state => state.IsFed && state.NextAttempt <= now && !rebuilder.IsBehind(state));
        foreach (var group in ready.GroupBy(state => state.Position).ToArray())
        {
            var page = await ReadNextAsync(group.Key, Math.Min(options.BatchSize, group.Min(state => state.BatchLimit)), cancellationToken);
            if (page.Events.Count == 0)
            {
                foreach (var state in group)
                {
                    state.MarkCaughtUp();
                }

                continue;
            }

            if (await projector.ApplyAsync([.. group], page.Events, cancellationToken))
            {
                largestBatch = Math.Max(largestBatch, page.Events.Count);
                hasMore = true;
            }
            else
            {
                hasMore |= page.Events.Count > 1 || group.Any(state => state.FailedAttempts == 0);
            }

            hasMore |= !page.IsEnd;
        }

        projector.Publish();
        if (options.Mode == ProjectionMode.Project)
        {
            await TrimAsync(hasMore, cancellationToken);
        }

        return hasMore;
    }

    private async Task TrimAsync(bool hasMore, CancellationToken cancellationToken)
    {
        var live = projector.States.Where(state => state is { State: GenerationState.Live, IsFed: true }).Select(state => state.Position).DefaultIfEmpty(0).Min();
        outbox.RequestTrim(live);
        if (!hasMore && signal.LastCommitted <= live)
        {
            await outbox.FlushTrimAsync(cancellationToken);
        }
    }

    private async Task<EventPage> ReadNextAsync(long after, int count, CancellationToken cancellationToken)
    {
        var pending = await outbox.ReadPendingAsync(after, count, cancellationToken);
        return pending.Events.Count > 0 && pending.Events[0].Position == after + 1
            ? pending
            : await store.ReadAllAsync(after, count, cancellationToken);
    }

    /// <summary>Reads the projecting process's progress.</summary>
    private async Task FollowOnceAsync(CancellationToken cancellationToken)
    {
        await follower.LookAsync(cancellationToken);
        await signal.WaitAsync(readModel.HasWaiters ? FollowInterval : IdleFollowInterval, cancellationToken);
    }

    /// <summary>The time until the next poll, or until the retry of a failing projection is due.</summary>
    private TimeSpan WaitTime()
    {
        var now = clock.GetUtcNow();
        var wait = options.PollInterval;
        wait = projector.Lease.BeatInterval < wait ? projector.Lease.BeatInterval : wait;
        if (rebuilder.IsBusy)
        {
            wait = FollowInterval;
        }

        foreach (var state in projector.States.Where(state => state.IsFed && state.FailedAttempts > 0))
        {
            var due = state.NextAttempt - now;
            wait = due < wait ? due : wait;
        }

        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }

    [LoggerMessage(1204, LogLevel.Information, "{Message} The checkpoints are read again")]
    private static partial void LogSuperseded(ILogger logger, string message);

    [LoggerMessage(1202, LogLevel.Error, "The outbox drain failed; it is tried again")]
    private static partial void LogDrainFailed(ILogger logger, Exception exception);
}
