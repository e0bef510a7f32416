using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage;

/// <summary>
/// Drains the outbox into the read database. Projections that stand at the same position share a transaction; one that fails is
/// tried again alone, with growing waits, while the others go on. A projection that stands behind the outbox (it is new, its
/// version was raised, or the read database was lost) is fed from the event log until it has caught up.
/// </summary>
internal sealed partial class ProjectionRunner(
    IEventStore store,
    IOutbox outbox,
    ProjectionCheckpoints checkpoints,
    ReadDatabase database,
    EventTypeRegistry types,
    CommitSignal signal,
    ReadModelPosition readModel,
    IEnumerable<IProjection> projections,
    IOptions<ProjectionOptions> options,
    TimeProvider clock,
    ILogger<ProjectionRunner> logger) : BackgroundService, IProjectionMonitor
{
    private readonly IProjection[] all = [.. projections];
    private readonly ProjectionOptions options = options.Value;
    private List<ProjectionState> states = [];
    private volatile IReadOnlyList<ProjectionStatus> published = [];
    private int largestBatch;

    public IReadOnlyList<ProjectionStatus> Current => published;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (states.Count < all.Length)
                {
                    await LoadAsync(stoppingToken);
                }

                largestBatch = 0;
                var hasMore = await DrainOnceAsync(stoppingToken);
                failures = 0;
                if (!hasMore)
                {
                    await signal.WaitAsync(WaitTime(), stoppingToken);
                }
                else if (largestBatch > 1 && largestBatch < options.BatchSize)
                {
                    // Busy, but not behind: a moment's pause makes larger batches, each of which costs about as much as a small one.
                    await Task.Delay(options.BusyPause, clock, stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (CheckpointMovedException exception)
            {
                LogCheckpointMoved(logger, exception.Message);
                states = [];
            }
#pragma warning disable CA1031 // The drain must outlive whatever a database throws at it; health and log tell.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                LogDrainFailed(logger, exception);
                states = [];
                failures++;
                var wait = options.RetryDelay * Math.Pow(2, Math.Min(failures - 1, 20));
                await Task.Delay(wait < options.MaxRetryDelay ? wait : options.MaxRetryDelay, clock, stoppingToken)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        var positions = await checkpoints.LoadAsync(all, await store.ReadHeadAsync(cancellationToken), cancellationToken);
        states = [.. all.Select(projection => new ProjectionState(
            projection, positions[projection.Name], options.BatchSize, clock.GetUtcNow()))];
        Publish();
    }

    /// <summary>Gives every projection that is ready one batch; says whether there may be more to do.</summary>
    private async Task<bool> DrainOnceAsync(CancellationToken cancellationToken)
    {
        var hasMore = false;
        var now = clock.GetUtcNow();
        foreach (var group in states.Where(state => state.NextAttempt <= now).GroupBy(state => (state.Position, state.BatchLimit)).ToArray())
        {
            var page = await ReadNextAsync(group.Key.Position, group.Key.BatchLimit, cancellationToken);
            if (page.Events.Count == 0)
            {
                foreach (var state in group)
                {
                    state.HadNothingToDo(clock.GetUtcNow());
                }

                continue;
            }

            hasMore |= await ApplyAsync([.. group], page.Events, cancellationToken);
            hasMore |= !page.IsEnd;
        }

        Publish();
        if (states.Count > 0)
        {
            outbox.RequestTrim(states.Min(state => state.Position));
        }

        if (!hasMore && signal.LastCommitted <= readModel.Current)
        {
            await outbox.FlushTrimAsync(cancellationToken);
        }

        return hasMore;
    }

    private async Task<EventPage> ReadNextAsync(long after, int count, CancellationToken cancellationToken)
    {
        var pending = await outbox.ReadPendingAsync(after, count, cancellationToken);
        return pending.Events.Count > 0 && pending.Events[0].Position == after + 1
            ? pending
            : await store.ReadAllAsync(after, count, cancellationToken);
    }

    private async Task<bool> ApplyAsync(IReadOnlyList<ProjectionState> group, IReadOnlyList<RecordedEvent> records, CancellationToken cancellationToken)
    {
        try
        {
            await ApplyInOneTransactionAsync(group, records, cancellationToken);
            var now = clock.GetUtcNow();
            largestBatch = Math.Max(largestBatch, records.Count);
            foreach (var state in group)
            {
                state.MovedTo(records[^1].Position, options.BatchSize, now);
            }

            return true;
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or CheckpointMovedException))
        {
            if (group.Count == 1)
            {
                group[0].Failed(exception, records.Count, options, clock.GetUtcNow());
                LogProjectionFailed(logger, group[0].Projection.Name, records[0].Position, records[^1].Position, exception);
                return records.Count > 1;
            }
        }

        var hasMore = false;
        foreach (var state in group)
        {
            hasMore |= await ApplyAsync([state], records, cancellationToken);
        }

        return hasMore;
    }

    private async Task ApplyInOneTransactionAsync(IReadOnlyList<ProjectionState> group, IReadOnlyList<RecordedEvent> records, CancellationToken cancellationToken)
    {
        var events = records.SelectMany(types.Read).ToArray();
        await using var connection = await database.OpenAsync(cancellationToken);
        await database.Provider.PrepareProjectorAsync(connection, cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        foreach (var state in group)
        {
            EventEnvelope[] handled = [.. events.Where(envelope => state.Handles(envelope.Event))];
            if (handled.Length > 0)
            {
                await state.Projection.ApplyAsync(handled, transaction, cancellationToken);
            }

            await checkpoints.AdvanceAsync(state.Projection, state.Position, records[^1].Position, transaction, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Until the next poll, or until a failing projection is due.</summary>
    private TimeSpan WaitTime()
    {
        var now = clock.GetUtcNow();
        var wait = options.PollInterval;
        foreach (var state in states.Where(state => state.FailedAttempts > 0))
        {
            var due = state.NextAttempt - now;
            wait = due < wait ? due : wait;
        }

        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }

    private void Publish()
    {
        published = [.. states.Select(state => state.Status)];
        readModel.Set(states.Count == 0 ? long.MaxValue : states.Min(state => state.Position));
    }

    [LoggerMessage(1201, LogLevel.Error, "Projection {Projection} failed on the events from position {First} to {Last}; it is tried again, the others go on")]
    private static partial void LogProjectionFailed(ILogger logger, string projection, long first, long last, Exception exception);

    [LoggerMessage(1204, LogLevel.Information, "{Message} The checkpoints are read again")]
    private static partial void LogCheckpointMoved(ILogger logger, string message);

    [LoggerMessage(1202, LogLevel.Error, "The outbox drain failed; it is tried again")]
    private static partial void LogDrainFailed(ILogger logger, Exception exception);
}
