using System.Data.Common;
using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage;

/// <summary>
/// Fills second sets of tables beside the live ones (blue/green), in turns between the live batches, and switches to them. A set
/// that has caught up is fed together with the live one, in the same transactions, so that the switch is one change of state at
/// one position; what was live before is fed on until it is dropped, so that switching back is the same. All progress is in the
/// checkpoints: whoever projects next goes on. Used by the runner's loop only.
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
    /// <summary>How many events are read at a time: few enough that the live tables need not wait for them.</summary>
    private const int PageSize = 2_000;

    /// <summary>As few events are taken in and written in one turn, so that live tables that move on are met.</summary>
    private const int ShortBatch = 2_000;

    /// <summary>How many rows the first batch of a rebuild may have to write, before it is known what that takes; and the fewest.</summary>
    private const int FirstRows = 2_000;
    private const int FewestRows = 100;

    /// <summary>How much more the next batch may have to write at most.</summary>
    private const int MaxGrowth = 10;

    /// <summary>How much memory a batch may take that is not written yet.</summary>
    private const long MaxBytes = 64 * 1024 * 1024;

    private readonly ProjectionOptions options = options.Value;
    private readonly Dictionary<ProjectionState, Task<IReadOnlyList<string>>> comparisons = [];
    private int rows = FirstRows;
    private long nextTurn;
    private RebuildBatch? batch;

    /// <summary>The configured bound; with a limit of events a second, what that allows in a tenth of one.</summary>
    private int LargestBatch => options.RebuildEventsPerSecond == 0
        ? options.RebuildBatchSize
        : Math.Clamp(options.RebuildEventsPerSecond / 10, 1, options.RebuildBatchSize);

    /// <summary>Whether a set waits for its turn, or for its comparison.</summary>
    public bool IsBusy => projector.States.Exists(state => state is { State: GenerationState.Building, IsFed: true });

    /// <summary>Whether a set is being filled and has not caught up with the live tables.</summary>
    public bool IsBehind(ProjectionState state) =>
        state is { State: GenerationState.Building, IsFed: true } && !(projector.Live(state.Name) is { IsFed: true } live && state.Position >= live.Position);

    /// <summary>
    /// Brings the sets that are furthest behind on by a step, and finishes those that have caught up. They take in a batch of the log
    /// page by page, as much as may be held in memory and be written in a turn; then each set is written, in a transaction of its own, so
    /// that a row that changes again and again is written once.
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

    /// <summary>Begins to fill second sets of tables, and does in the same transaction what is given.</summary>
    /// <exception cref="RejectedException">There is no such projection, or its second set is in use.</exception>
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
                var known = await GenerationStore.ReadAsync(database.Provider, transaction.Connection!, transaction, cancellationToken);
                foreach (var projection in projections)
                {
                    await generations.AddAsync(
                        projection, known.FindAll(row => row.Name == projection.Name), GenerationState.Building, head, holdsOnDifference, transaction, cancellationToken);
                }
            },
            cancellationToken);
        (rows, batch) = (FirstRows, null);
        await projector.LoadAsync(cancellationToken);
    }

    /// <summary>Pauses, resumes or cancels the filling of a second set of tables, or drops one that is kept.</summary>
    /// <param name="name">The projection.</param>
    /// <param name="from">The states that the set may be in.</param>
    /// <param name="to">What it becomes.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <param name="also">What is done in the same transaction.</param>
    /// <exception cref="RejectedException">There is no such projection, or its second set is in another state.</exception>
    public async Task ChangeAsync(
        string name, IReadOnlyCollection<GenerationState> from, GenerationState to, CancellationToken cancellationToken, Func<ProjectionSession, DbTransaction, Task>? also = null)
    {
        var other = OtherIn(name, from);
        comparisons.Remove(other);
        other.Batch = null;
        await SetStatesAsync([(other, to, null)], cancellationToken, also);
    }

    /// <summary>Makes the second set of tables the live one: a set that was held, or the one that was live before.</summary>
    /// <param name="name">The projection.</param>
    /// <param name="from">The state that the set must be in.</param>
    /// <param name="also">What is done in the same transaction.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="RejectedException">There is no such projection, or its second set is not ready.</exception>
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
                    // Not knowing is no reason to switch, nor to try for ever.
                    await SetStatesAsync(
                        [(state, GenerationState.AwaitingApproval, $"The comparison with the live tables failed: {ProjectionState.Describe(running.Exception.InnerException!)}")], cancellationToken);
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

    /// <summary>Sets without a live set that is fed beside them (the logic's version has changed) switch at the end of the log.</summary>
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
                // Queries still read its tables: not again before they have had their time.
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
    /// Takes those sets out of the batch that somebody else has changed meanwhile, such as an operator who pauses one. What such a set
    /// has taken in and not written is thrown away: it will be given the same events again.
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

    /// <summary>Begins a batch; where a set fails on something in it, applies a few events at once in place of that.</summary>
    /// <returns>Null where a batch has begun; else whether there may be more to do.</returns>
    private async Task<bool?> BeginAsync(ProjectionState[] group, long after, CancellationToken cancellationToken)
    {
        // Never past the live tables: both meet at one position.
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
            // The next page is read while this one is taken in.
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

    /// <summary>A page of the log, and what is in its events, which is found out meanwhile.</summary>
    private async Task<(EventPage Page, Task<EventEnvelope[]> Events)> ReadAsync(long after, int count, CancellationToken cancellationToken)
    {
        var page = await store.ReadAllAsync(after, count, cancellationToken);
        return (page, Task.Run(() => projector.Read(page.Events).ToArray(), cancellationToken));
    }

    /// <summary>Finds how many rows are written in about the time that the live tables may wait.</summary>
    private void Adapt(RebuildBatch written)
    {
        // Four fifths of what would take all of the time, since it varies.
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

    [LoggerMessage(1216, LogLevel.Debug, "A rebuild has written {Events} events as {Rows} rows at most to a set of tables, in {Longest} at most; the next may write {NextRows} rows")]
    private static partial void LogWritten(ILogger logger, long events, int rows, TimeSpan longest, int nextRows);

    [LoggerMessage(1208, LogLevel.Information, "Projection {Projection} switches to its other set of tables at position {Position}")]
    private static partial void LogSwitched(ILogger logger, string projection, long position);
}
