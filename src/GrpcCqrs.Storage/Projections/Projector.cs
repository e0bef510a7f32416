using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Readers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage.Projections;

/// <summary>
/// The lease holder's state: the generations with their checkpoints. Applies a batch to one or more of them in one
/// transaction. Used by the runner's loop only.
/// </summary>
internal sealed partial class Projector(
    IEnumerable<IProjection> projections,
    IEventStore store,
    EventTypeRegistry types,
    ReadDatabase database,
    Lease lease,
    GenerationStore generations,
    ReadModel readModel,
    IOptions<ProjectionOptions> options,
    TimeProvider clock,
    ILogger<Projector> logger) : IAsyncDisposable
{
    private readonly IProjection[] all = [.. projections];
    private readonly ProjectionOptions options = options.Value;
    private readonly HashSet<(string Projection, int Version, long Position)> skipped = [];
    private ProjectionSession? session;

    /// <summary>The generations in use; empty until they are loaded.</summary>
    public List<ProjectionState> States { get; } = [];

    public Lease Lease { get; } = lease;

    public bool HasProjections => all.Length > 0;

    public IProjection? Find(string name) => Array.Find(all, projection => projection.Name == name);

    public ProjectionState? Live(string name) => States.Find(state => state.Name == name && state.State == GenerationState.Live);

    /// <summary>The generation of a projection that is in one of the given states; null if there is none.</summary>
    public ProjectionState? Find(string name, params IReadOnlyCollection<GenerationState> states) =>
        States.Find(state => state.Name == name && states.Contains(state.State));

    /// <summary>Loads the checkpoints and reconciles them with this process's projections.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        var head = await store.ReadHeadAsync(cancellationToken);
        await ResetAsync();
        var rows = await InTransactionAsync(transaction => generations.ReconcileAsync(all, head, transaction, cancellationToken), cancellationToken);
        var loaded = rows.Where(row => Find(row.Name) is not null)
            .Select(row => new ProjectionState(Find(row.Name)!, row, clock)).ToList();
        await using var connection = await database.OpenAsync(cancellationToken);
        foreach (var parked in await ParkedEventStore.ReadStreamsAsync(connection, "", cancellationToken))
        {
            loaded.Find(state => state.Name == parked.Reader && state.Generation == parked.Generation)?.Parked.Add(parked.Stream, (parked.First, parked.Count));
        }

        foreach (var row in await ParkedEventStore.ReadSkippedAsync(database, cancellationToken))
        {
            skipped.Add((row.Reader, row.Version, row.Position));
        }

        // Last, so that States is never visible without its parked and skipped events.
        States.AddRange(loaded);
        Publish();
    }

    /// <summary>
    /// Removes a generation that is no longer used: drops its tables or, if this login may not drop them, empties them.
    /// </summary>
    /// <returns>True if it was removed; false if queries still read its tables.</returns>
    public async Task<bool> RemoveAsync(ProjectionState state, CancellationToken cancellationToken)
    {
        try
        {
            await InTransactionAsync(
                (_, transaction) => generations.RemoveAsync(state, transaction, cancellationToken), cancellationToken);
        }
        catch (SchemaException exception) when (session is { IsOpen: true })
        {
            if (exception.InnerException is DbException { InnerException: TimeoutException } or DbException { IsTransient: true }
                || database.Provider.IsTransient((DbException)exception.InnerException!))
            {
                return false;
            }

            LogNotDropped(logger, state.Name, state.Generation, exception.Message);
            await InTransactionAsync(
                (_, transaction) => generations.EmptyAsync(state, transaction, cancellationToken), cancellationToken);
        }

        States.Remove(state);
        if (!States.Exists(other => other.Generation == state.Generation))
        {
            session?.Release(state.Generation);
        }

        return true;
    }

    /// <summary>Discards the cached state and the connection, so that both are loaded afresh after an error.</summary>
    public async ValueTask ResetAsync()
    {
        States.Clear();
        skipped.Clear();
        if (session is not null)
        {
            var broken = session;
            session = null;
            await broken.DisposeAsync();
        }
    }

    /// <summary>Runs work in one transaction under the lease; commits unless the work throws.</summary>
    public async Task<T> InTransactionAsync<T>(Func<DbTransaction, Task<T>> work, CancellationToken cancellationToken)
    {
        var current = session ??= await ProjectionSession.OpenAsync(database, Lease, clock, cancellationToken);
        await using var transaction = await current.BeginAsync(cancellationToken);
        try
        {
            var result = await work(transaction);
            await current.CommitAsync(transaction, cancellationToken);
            return result;
        }
        finally
        {
            current.DiscardWrites();
        }
    }

    /// <summary>The overload for work without a result.</summary>
    public Task InTransactionAsync(Func<ProjectionSession, DbTransaction, Task> work, CancellationToken cancellationToken) => InTransactionAsync(
        async transaction =>
        {
            await work(session!, transaction);
            return true;
        },
        cancellationToken);

    /// <summary>Applies events to one or more generations and advances their checkpoints, in one transaction.</summary>
    /// <param name="group">The generations; all at the position before the first event.</param>
    /// <param name="records">The events.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <returns>Whether all were applied.</returns>
    public async Task<bool> ApplyAsync(IReadOnlyList<ProjectionState> group, IReadOnlyList<RecordedEvent> records, CancellationToken cancellationToken)
    {
        GenerationBatch[] taken = [.. group.Select(state => new GenerationBatch(state, records))];
        if (await TryAsync(group, records[0], records.Count, () => WriteAsync(taken, Read(records).ToArray(), cancellationToken), cancellationToken))
        {
            return true;
        }

        // One generation failed the whole group. Try each alone, so that the others make progress.
        foreach (var state in group.Count > 1 ? group : [])
        {
            await ApplyAsync([state], records, cancellationToken);
        }

        return false;
    }

    /// <summary>Adds events to a generation's batch in memory. Writes nothing yet.</summary>
    /// <returns>Whether it succeeded.</returns>
    public async Task<bool> AddAsync(GenerationBatch taken, IReadOnlyList<RecordedEvent> records, Task<EventEnvelope[]> events, CancellationToken cancellationToken)
    {
        taken.Add(records);
        return await TryAsync(
            [taken.State],
            taken.First,
            taken.Count,
            async () =>
            {
                session ??= await ProjectionSession.OpenAsync(database, Lease, clock, cancellationToken);
                await AddAsync(taken, await events, session.Tables(taken.State.Generation, null), cancellationToken);
            },
            cancellationToken);
    }

    /// <summary>Writes a generation's batch and advances its checkpoint, in one transaction.</summary>
    /// <returns>Whether it succeeded.</returns>
    public Task<bool> WriteAsync(GenerationBatch taken, CancellationToken cancellationToken) =>
        TryAsync([taken.State], taken.First, taken.Count, () => WriteAsync([taken], null, cancellationToken), cancellationToken);

    /// <summary>The events that a generation handles, without those that were skipped.</summary>
    public EventEnvelope[] Handled(ProjectionState state, IEnumerable<EventEnvelope> events) => [.. events.Where(envelope =>
        state.Handles(envelope) && (skipped.Count == 0 || !skipped.Contains((state.Name, state.Version, envelope.Record.Position))))];

    public IEnumerable<EventEnvelope> Read(IEnumerable<RecordedEvent> records) => records.SelectMany(types.Read);

    /// <summary>Excludes an event from now on.</summary>
    public void Skip(ProjectionState state, long position) => skipped.Add((state.Name, state.Version, position));

    /// <summary>Publishes the committed state to the queries and monitors of this process.</summary>
    public void Publish() => readModel.Publish(
        [.. States.Select(state => state.Status)],
        name => Live(name)!.Parked.ToDictionary(pair => pair.Key, pair => pair.Value.First, StringComparer.Ordinal));

    public ValueTask DisposeAsync() => ResetAsync();

    /// <summary>
    /// Runs work for a group of generations. If it fails for a group of one, records that generation's failure.
    /// </summary>
    private async Task<bool> TryAsync(
        IReadOnlyList<ProjectionState> group, RecordedEvent first, int count, Func<Task> work, CancellationToken cancellationToken)
    {
        try
        {
            await work();
            return true;
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or CheckpointMovedException or LeaseLostException) && session is { IsOpen: true })
        {
            // A lost connection is no generation's fault: the runner opens a new one. Any other failure is caused by
            // one of the group.
            foreach (var state in group)
            {
                state.Batch = null;
            }

            if (group.Count == 1)
            {
                await FailedAsync(group[0], first, count, exception, cancellationToken);
            }

            return false;
        }
    }

    /// <summary>
    /// Adds the events to the batches (unless null), writes the batches and advances the checkpoints.
    /// </summary>
    private async Task WriteAsync(IReadOnlyList<GenerationBatch> group, EventEnvelope[]? events, CancellationToken cancellationToken)
    {
        await InTransactionAsync(
            async (current, transaction) =>
            {
                foreach (var taken in group)
                {
                    var tables = current.Tables(taken.State.Generation, transaction);
                    if (events is not null)
                    {
                        await AddAsync(taken, events, tables, cancellationToken);
                    }

                    foreach (var record in taken.Parked)
                    {
                        await current.ParkAsync(taken.State, record, null, 0, transaction, cancellationToken);
                    }

                    await taken.Batch.WriteAsync(tables, cancellationToken);
                    await current.AdvanceAsync(taken.State, taken.Last, transaction, cancellationToken);
                }
            },
            cancellationToken);
        foreach (var taken in group)
        {
            foreach (var record in taken.Parked)
            {
                var (first, count) = taken.State.Parked[record.Stream.ToString()];
                taken.State.Parked[record.Stream.ToString()] = (first, count + 1);
            }

            taken.State.MovedTo(taken.Last);
        }
    }

    private async Task AddAsync(GenerationBatch taken, EventEnvelope[] events, IProjectionTables tables, CancellationToken cancellationToken)
    {
        var handled = Handled(taken.State, events);
        if (taken.State.Parked.Count > 0)
        {
            var behind = handled.Where(envelope => taken.State.Parked.ContainsKey(envelope.Record.Stream.ToString())).ToLookup(envelope => envelope.Record.Position);
            handled = [.. handled.Where(envelope => !behind.Contains(envelope.Record.Position))];
            taken.Parked.AddRange(behind.Select(one => one.First().Record));
        }

        if (handled.Length > 0)
        {
            await taken.Batch.AddAsync(handled, tables, cancellationToken);
        }
    }

    private async Task FailedAsync(
        ProjectionState state, RecordedEvent record, int count, Exception exception, CancellationToken cancellationToken)
    {
        state.Failed(exception, count, options);
        LogProjectionFailed(logger, state.Name, record.Position, record.Position + count - 1, exception);
        if (count > 1 || state.FailedAttempts < options.ParkAfter || state.Projection is not IStreamProjection || (exception is DbException failure && !database.Provider.IsDataError(failure)))
        {
            return;
        }

        var (error, attempts) = (ErrorText.Of(exception), state.FailedAttempts);
        await InTransactionAsync(
            async (current, transaction) =>
            {
                await current.ParkAsync(state, record, error, attempts, transaction, cancellationToken);
                await current.AdvanceAsync(state, record.Position, transaction, cancellationToken);
            },
            cancellationToken);
        state.Parked.Add(record.Stream.ToString(), (record.Position, 1));
        state.MovedTo(record.Position);
        LogParked(logger, state.Name, record.Position, record.Stream);
    }

    [LoggerMessage(1201, LogLevel.Error, "Projection {Projection} failed on the events from position {First} to {Last}; it is retried, the others continue")]
    private static partial void LogProjectionFailed(ILogger logger, string projection, long first, long last, Exception exception);

    [LoggerMessage(1217, LogLevel.Warning, "Generation {Generation} of projection {Projection} is emptied, since it cannot be dropped: {Reason}")]
    private static partial void LogNotDropped(ILogger logger, string projection, int generation, string reason);

    [LoggerMessage(1206, LogLevel.Error, "Projection {Projection} parks event {Position}: the later events of stream {Stream} wait until an operator retries or skips it")]
    private static partial void LogParked(ILogger logger, string projection, long position, StreamId stream);
}

/// <summary>A batch of consecutive events for one generation, starting after its checkpoint.</summary>
internal sealed class GenerationBatch
{
    public GenerationBatch(ProjectionState state, IReadOnlyList<RecordedEvent> records)
    {
        (State, Batch, First) = (state, state.Batch ??= state.Projection.Begin(), records[0]);
        Add(records);
    }

    public ProjectionState State { get; }

    public IProjectionBatch Batch { get; }

    public RecordedEvent First { get; }

    /// <summary>The position of the last event.</summary>
    public long Last { get; private set; }

    public int Count => (int)(Last - First.Position + 1);

    /// <summary>The events that follow a parked event of their stream.</summary>
    public List<RecordedEvent> Parked { get; } = [];

    /// <summary>Whether the generation and its cached state are unchanged since the batch began.</summary>
    public bool IsGood(Projector projector) =>
        State.IsFed && State.Position + 1 == First.Position && ReferenceEquals(State.Batch, Batch) && projector.States.Contains(State);

    public void Add(IReadOnlyList<RecordedEvent> records) => Last = records[^1].Position;

    /// <summary>Discards what was added but not written.</summary>
    public void Discard()
    {
        if (ReferenceEquals(State.Batch, Batch))
        {
            State.Batch = null;
        }
    }
}
