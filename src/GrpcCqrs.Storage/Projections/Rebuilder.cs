using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage.Projections;

/// <summary>
/// Fills new generations beside the live ones (blue/green), between the live batches, and switches to them. A
/// generation that has caught up gets its events in the same transactions as the live one, so the switch is one change
/// of state at one position. The previous generation stays up to date until it is dropped, so switching back works the
/// same way. All progress is in the checkpoints: the next process that projects resumes from there. Used by the
/// runner's loop only.
/// </summary>
internal sealed partial class Rebuilder(
    Projector projector,
    GenerationStore generations,
    TableComparison comparison,
    ReadDatabase database,
    IEventStore store,
    IOptions<ProjectionOptions> options,
    TimeProvider clock,
    ILogger<Rebuilder> logger)
{
    /// <summary>The most events read at a time, so that reading does not delay the live tables.</summary>
    private const int PageSize = 2_000;

    /// <summary>
    /// A batch of at most this many events is read and written in one go, so that the rebuild catches up with live
    /// tables that keep moving.
    /// </summary>
    private const int ShortBatch = 2_000;

    /// <summary>
    /// The row limit of a rebuild's first batch, before the write speed is known; and the lowest row limit.
    /// </summary>
    private const int FirstRows = 2_000;
    private const int FewestRows = 100;

    /// <summary>The highest row limit of the next batch, as a multiple of the rows just written.</summary>
    private const int MaxGrowth = 10;

    /// <summary>The most memory that an unwritten batch may take.</summary>
    private const long MaxBytes = 64 * 1024 * 1024;

    private readonly ProjectionOptions options = options.Value;
    private readonly Dictionary<ProjectionState, Task<IReadOnlyList<string>>> comparisons = [];
    private int rows = FirstRows;
    private long nextTurn;
    private RebuildBatch? batch;

    /// <summary>
    /// The configured limit, in events; with a rate limit, at most what that allows in a tenth of a second.
    /// </summary>
    private int LargestBatch => options.RebuildEventsPerSecond == 0
        ? options.RebuildBatchSize
        : Math.Clamp(options.RebuildEventsPerSecond / 10, 1, options.RebuildBatchSize);

    /// <summary>Whether a generation is being filled or compared.</summary>
    public bool IsBusy => projector.States.Exists(state => state is { State: GenerationState.Building, IsFed: true });

    /// <summary>Whether a generation is being filled and has not caught up with the live one.</summary>
    public bool IsBehind(ProjectionState state) =>
        state is { State: GenerationState.Building, IsFed: true } && !(projector.Live(state.Name) is { IsFed: true } live && state.Position >= live.Position);

    /// <summary>
    /// Advances the generations that lag the most by one step, and finishes those that have caught up. They read a
    /// batch of the log page by page, up to the memory limit and to what can be written in one turn. Then each
    /// generation is written in its own transaction, so that a row that changes repeatedly is written once.
    /// </summary>
    /// <returns>Whether there is more to do at once.</returns>
    public async Task<bool> AdvanceAsync(CancellationToken cancellationToken)
    {
        await FinishAsync(cancellationToken);
        await RemoveDroppedAsync(cancellationToken);
        RemoveInvalid();
        if (batch is null)
        {
            var behind = projector.States.Where(state => IsBehind(state) && state.NextAttempt <= clock.GetUtcNow()).GroupBy(state => state.Position).MinBy(group => group.Key);
            if (behind is null || clock.GetTimestamp() < nextTurn)
            {
                return false;
            }

            if (await BeginAsync([.. behind], behind.Key, cancellationToken) is { } isMore)
            {
                return isMore;
            }
        }

        do
        {
            await (batch!.IsFull ? WriteAsync(batch, cancellationToken) : ReadPageAsync(batch, cancellationToken));
        }
        while (batch is { IsShort: true });
        return true;
    }

    /// <summary>Starts filling new generations, and does additional work in the same transaction.</summary>
    /// <exception cref="RejectedException">There is no such projection, or it is already being rebuilt.</exception>
    public async Task StartAsync(
        IReadOnlyList<string> names, bool holdsOnDifference, CancellationToken cancellationToken, Func<ProjectionSession, DbTransaction, Task>? also = null)
    {
        var projections = names.Select(name => projector.Find(name) ?? throw NotFound(name)).ToArray();
        foreach (var projection in projections)
        {
            _ = projector.Live(projection.Name) ?? throw NotFound(projection.Name);
            if (projector.Find(projection.Name, GenerationState.Building, GenerationState.Paused, GenerationState.AwaitingApproval) is not null)
            {
                throw new RejectedException(EngineErrors.RebuildRunning, $"{projection.Name} is being rebuilt already; cancel that first.");
            }
        }

        var head = await store.ReadHeadAsync(cancellationToken);
        await projector.InTransactionAsync(
            async (session, transaction) =>
            {
                await (also?.Invoke(session, transaction) ?? Task.CompletedTask);
                var next = GenerationStore.NextOf(
                    await GenerationStore.ReadAsync(database.Provider, transaction.Connection!, transaction, cancellationToken));
                foreach (var projection in projections)
                {
                    await generations.AddAsync(
                        projection, next, GenerationState.Building, head, holdsOnDifference, transaction, cancellationToken);
                }
            },
            cancellationToken);
        (rows, batch) = (FirstRows, null);
        await projector.LoadAsync(cancellationToken);
    }

    /// <summary>Pauses, resumes or cancels a rebuild, or drops the previous generation.</summary>
    /// <param name="name">The projection.</param>
    /// <param name="from">The states that the generation may be in.</param>
    /// <param name="to">Its new state.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <param name="also">Additional work in the same transaction.</param>
    /// <exception cref="RejectedException">
    /// There is no such projection, or its other generation is in another state.
    /// </exception>
    public async Task ChangeAsync(
        string name, IReadOnlyCollection<GenerationState> from, GenerationState to, CancellationToken cancellationToken, Func<ProjectionSession, DbTransaction, Task>? also = null)
    {
        var other = OtherIn(name, from);
        comparisons.Remove(other);
        other.Batch = null;
        await SetStatesAsync([(other, to, null)], cancellationToken, also);
    }

    /// <summary>Makes the other generation live: one that awaits approval, or the previous one.</summary>
    /// <param name="name">The projection.</param>
    /// <param name="from">The state that the generation must be in.</param>
    /// <param name="also">Additional work in the same transaction.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <exception cref="RejectedException">
    /// There is no such projection, or its other generation is not ready.
    /// </exception>
    public async Task SwitchAsync(
        string name, GenerationState from, Func<ProjectionSession, DbTransaction, Task> also, CancellationToken cancellationToken)
    {
        var other = OtherIn(name, [from]);
        var live = projector.Live(name)!;
        if (!other.IsFed || other.Position != live.Position)
        {
            throw new RejectedException(EngineErrors.RebuildNotReady, $"The other generation of {name} stands at {other.Position}, the live one at {live.Position}; queries would go back in time.")
            {
                RetryAfter = TimeSpan.FromSeconds(1),
            };
        }

        await SwitchAsync(live, other, cancellationToken, also);
    }

    private async Task FinishAsync(CancellationToken cancellationToken)
    {
        foreach (var gone in comparisons.Keys.Except(projector.States).ToArray())
        {
            comparisons.Remove(gone);
        }

        foreach (var state in projector.States.Where(state => state is { State: GenerationState.Building, IsFed: true }).ToArray())
        {
            if (projector.Live(state.Name) is not { IsFed: true } live || state.Position != live.Position || state.FailedAttempts > 0)
            {
                continue;
            }

            if (!comparisons.TryGetValue(state, out var running))
            {
                comparisons[state] = await comparison.StartAsync(state.Projection, live.Generation, state.Generation, cancellationToken);
            }
            else if (running.IsCompleted)
            {
                comparisons.Remove(state);
                if (running.IsFaulted)
                {
                    // A failed comparison is no reason to switch, nor to retry for ever.
                    await SetStatesAsync(
                        [(state, GenerationState.AwaitingApproval, $"The comparison with the live tables failed: {ErrorText.Of(running.Exception.InnerException!)}")], cancellationToken);
                }
                else
                {
                    await CompareAsync(live, state, await running, cancellationToken);
                }
            }
        }
    }

    private async Task CompareAsync(ProjectionState live, ProjectionState built, IReadOnlyList<string> differences, CancellationToken cancellationToken)
    {
        var note = differences.Count == 0 ? null : string.Join('\n', differences);
        if (note is not null)
        {
            LogDiffers(logger, built.Name, note);
        }

        if (note is not null && built.HoldsOnDifference)
        {
            await SetStatesAsync([(built, GenerationState.AwaitingApproval, note)], cancellationToken);
        }
        else
        {
            built.Note = note;
            await SwitchAsync(live, built, cancellationToken);
        }
    }

    private Task SwitchAsync(
        ProjectionState live, ProjectionState other, CancellationToken cancellationToken, Func<ProjectionSession, DbTransaction, Task>? also = null)
    {
        LogSwitched(logger, live.Name, other.Position);
        var changes = new List<(ProjectionState State, GenerationState To, string? Note)>
        {
            (live, GenerationState.Previous, live.Note),
            (other, GenerationState.Live, other.Note),
        };
        if (projector.Find(live.Name, GenerationState.Previous) is { } older && older != other)
        {
            changes.Add((older, GenerationState.Dropped, null));
        }

        return SetStatesAsync(changes, cancellationToken, also);
    }

    /// <summary>
    /// If the live generation gets no events (the logic's version has changed), switches at the end of the log.
    /// </summary>
    private async Task SwitchCaughtUpAsync(ProjectionState[] group, CancellationToken cancellationToken)
    {
        foreach (var state in group)
        {
            if (projector.Live(state.Name) is { IsFed: false } live)
            {
                await SwitchAsync(live, state, cancellationToken);
            }
        }
    }

    private async Task RemoveDroppedAsync(CancellationToken cancellationToken)
    {
        foreach (var state in projector.States.Where(state => state.State == GenerationState.Dropped && clock.GetUtcNow() - state.StateTime > options.DropDelay).ToArray())
        {
            if (!await projector.RemoveAsync(state, cancellationToken))
            {
                // Queries still read its tables: wait another delay before retrying.
                state.StateTime = clock.GetUtcNow();
            }
        }
    }

    private async Task SetStatesAsync(
        IReadOnlyList<(ProjectionState State, GenerationState To, string? Note)> changes, CancellationToken cancellationToken,
        Func<ProjectionSession, DbTransaction, Task>? also = null)
    {
        await projector.InTransactionAsync(
            async (session, transaction) =>
            {
                await (also?.Invoke(session, transaction) ?? Task.CompletedTask);
                foreach (var (state, to, note) in changes)
                {
                    await generations.SetStateAsync(state.Name, state.Generation, to, note, transaction, cancellationToken);
                }
            },
            cancellationToken);
        var now = clock.GetUtcNow();
        foreach (var (state, to, note) in changes)
        {
            (state.State, state.Note, state.StateTime) = (to, note, now);
        }

        projector.Publish();
    }

    private ProjectionState OtherIn(string name, IReadOnlyCollection<GenerationState> states)
    {
        _ = projector.Live(name) ?? throw NotFound(name);
        return projector.Find(name, states) ?? throw new RejectedException(
            EngineErrors.RebuildNotReady,
            $"This needs a generation of {name} that is {string.Join(" or ", states)}; there is {string.Join(", ", projector.States.Where(state => state.Name == name).Select(state => state.State))}.");
    }

    /// <summary>
    /// Removes from the batch the generations that were changed in the meantime, for example paused by an operator.
    /// Their unwritten events are discarded; they will read the same events again.
    /// </summary>
    private void RemoveInvalid()
    {
        GenerationBatch[] bad = [.. batch?.Sets.Where(set => !set.IsGood(projector)) ?? []];
        foreach (var set in bad)
        {
            set.Discard();
            batch!.Sets.Remove(set);
        }

        batch = batch is { Sets.Count: 0 } ? null : batch;
    }

    /// <summary>Begins a batch; after a failure, applies a small batch at once instead.</summary>
    /// <returns>Null if a batch has begun; otherwise whether there may be more to do.</returns>
    private async Task<bool?> BeginAsync(ProjectionState[] group, long after, CancellationToken cancellationToken)
    {
        // Never read past the live generation's position: the two must meet at one position.
        var limit = (long)Math.Min(LargestBatch, group.Min(state => state.BatchLimit));
        foreach (var live in group.Select(state => projector.Live(state.Name)).Where(live => live is { IsFed: true }))
        {
            limit = Math.Min(limit, live!.Position - after);
        }

        var begun = clock.GetTimestamp();
        var first = await ReadAsync(after, (int)Math.Min(limit, Math.Min(rows, PageSize)), cancellationToken);
        if (first.Page.Events.Count == 0)
        {
            await SwitchCaughtUpAsync(group, cancellationToken);
            return false;
        }

        if (Array.Exists(group, state => state.BatchLimit <= options.BatchSize))
        {
            if (await projector.ApplyAsync(group, first.Page.Events, cancellationToken) && first.Page.IsEnd)
            {
                await SwitchCaughtUpAsync(group, cancellationToken);
            }

            return true;
        }

        if (group.Sum(state => state.Batch?.Bytes ?? 0) > MaxBytes / 2)
        {
            Array.ForEach(group, state => state.Batch = null);
        }

        batch = new RebuildBatch([.. group.Select(state => new GenerationBatch(state, first.Page.Events))], after + limit, limit <= ShortBatch, begun) { Next = Task.FromResult(first) };
        return null;
    }

    private async Task ReadPageAsync(RebuildBatch current, CancellationToken cancellationToken)
    {
        var (page, events) = await current.Next;
        var read = page.Events.Count == 0 ? current.Position : page.Events[^1].Position;
        current.Position = read;
        current.IsAtEnd = page.IsEnd;
        current.IsFull = page.IsEnd || read >= current.To;
        if (!current.IsFull)
        {
            // Read the next page while this one is processed.
            var count = (int)Math.Min(current.To - read, Math.Min(rows, PageSize));
            current.Next = Task.Run(() => ReadAsync(read, count, cancellationToken), cancellationToken);
        }

        GenerationBatch[] sets = page.Events.Count == 0 ? [] : [.. current.Sets];
        foreach (var set in sets)
        {
            var isAdded = await projector.AddAsync(set, page.Events, events, cancellationToken);
            if (!isAdded)
            {
                current.Sets.Remove(set);
            }
        }

        current.IsFull |= current.Sets.Exists(set => set.Batch.Count >= rows) || current.Sets.Sum(set => set.Batch.Bytes) >= MaxBytes;
        batch = current.Sets.Count == 0 ? null : current;
    }

    private async Task WriteAsync(RebuildBatch current, CancellationToken cancellationToken)
    {
        var begun = clock.GetTimestamp();
        var set = current.Sets[^1];
        current.Sets.RemoveAt(current.Sets.Count - 1);
        current.MostRows = Math.Max(current.MostRows, set.Batch.Count);
        if (await projector.WriteAsync(set, cancellationToken) && current.IsAtEnd)
        {
            await SwitchCaughtUpAsync([set.State], cancellationToken);
        }

        var elapsed = clock.GetElapsedTime(begun);
        current.Longest = elapsed > current.Longest ? elapsed : current.Longest;
        if (current.Sets.Count == 0)
        {
            batch = null;
            Adapt(current);
        }
    }

    /// <summary>Reads a page of the log; its payloads are deserialised in the background.</summary>
    private async Task<(EventPage Page, Task<EventEnvelope[]> Events)> ReadAsync(long after, int count, CancellationToken cancellationToken)
    {
        var page = await store.ReadAllAsync(after, count, cancellationToken);
        return (page, Task.Run(() => projector.Read(page.Events).ToArray(), cancellationToken));
    }

    /// <summary>Adapts the row limit to what can be written in the time that the live tables may wait.</summary>
    private void Adapt(RebuildBatch written)
    {
        // Aim at four fifths of that time, since write times vary.
        var fits = written.MostRows * 0.8 * (options.RebuildTurn / written.Longest);
        rows = written.Longest > options.RebuildTurn
            ? (int)Math.Max(fits, FewestRows)
            : Math.Max(rows, (int)Math.Min(fits, (double)written.MostRows * MaxGrowth));
        LogWritten(logger, written.Position - written.After, written.MostRows, written.Longest, rows);
        nextTurn = options.RebuildEventsPerSecond == 0
            ? 0
            : written.Begun + (long)((double)(written.Position - written.After) / options.RebuildEventsPerSecond * clock.TimestampFrequency);
    }

    private static RejectedException NotFound(string name) =>
        new(EngineErrors.ProjectionNotFound, $"There is no projection {name} in this version of the service.") { Subject = name };

    [LoggerMessage(1207, LogLevel.Warning, "The rebuilt tables of projection {Projection} differ from the live ones: {Differences}")]
    private static partial void LogDiffers(ILogger logger, string projection, string differences);

    [LoggerMessage(1216, LogLevel.Debug, "A rebuild has written {Events} events as {Rows} rows at most to a generation, in {Longest} at most; the next batch may have {NextRows} rows")]
    private static partial void LogWritten(ILogger logger, long events, int rows, TimeSpan longest, int nextRows);

    [LoggerMessage(1208, LogLevel.Information, "Projection {Projection} switches to another generation at position {Position}")]
    private static partial void LogSwitched(ILogger logger, string projection, long position);
}
