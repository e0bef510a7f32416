using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Readers;

namespace GrpcCqrs.Storage.Projections;

/// <summary>Retries and skips a projection's parked events. Used by the runner's loop only, except for the static reads.</summary>
internal sealed class ParkedEvents(Projector projector, IEventStore store, ReadDatabase database, TimeProvider clock)
{
    /// <summary>Parked events of the live tables, ordered by position and projection.</summary>
    public static Task<List<ParkedEvent>> ReadAsync(
        ReadDatabase database, string projection, (long Position, string Projection) after, int count, CancellationToken cancellationToken) =>
        ParkedEventStore.ReadAsync(database, ParkedEventSql.SelectOfLiveGenerations, projection, after, count, cancellationToken);

    /// <summary>A stream's parked events in one generation, ordered by position.</summary>
    public static Task<List<ParkedEvent>> ReadStreamAsync(ReadDatabase database, ProjectionState state, StreamId stream, CancellationToken cancellationToken) =>
        ParkedEventStore.ReadStreamAsync(database, state.Name, state.Generation, stream.ToString(), 0, int.MaxValue, cancellationToken);

    /// <summary>
    /// Applies a projection's parked events, of one stream or of all, and makes a stalled generation retry at once.
    /// </summary>
    /// <returns>How many events were applied, and how many streams are still parked.</returns>
    /// <exception cref="RejectedException">There is no such projection.</exception>
    public async Task<(long Applied, int StillParked)> RetryAsync(string projection, string? stream, CancellationToken cancellationToken)
    {
        var states = StatesOf(projection);
        long applied = 0;
        var stillParked = 0;
        foreach (var state in states)
        {
            state.TryAtOnce();
            foreach (var parked in state.Parked.Keys.Where(parked => stream is null || parked == stream).ToArray())
            {
                var count = await ApplyAsync(state, parked, cancellationToken);
                if (state.State == GenerationState.Live)
                {
                    applied += count;
                    stillParked += state.Parked.ContainsKey(parked) ? 1 : 0;
                }
            }
        }

        return (applied, stillParked);
    }

    /// <summary>
    /// Skips an event for good: the first parked event of its stream, or the event that a projection is stalled at.
    /// </summary>
    /// <exception cref="RejectedException">There is no such projection, or no such event blocks it.</exception>
    public async Task SkipAsync(
        string projection, long position, string user, Func<ProjectionSession, DbTransaction, Task> also, CancellationToken cancellationToken)
    {
        var states = StatesOf(projection);
        var page = await store.ReadAllAsync(position - 1, 1, cancellationToken);
        var record = page.Events.Count == 1 && page.Events[0].Position == position ? page.Events[0] : null;
        var stream = record?.Stream.ToString() ?? "";
        var blocked = states.Find(state => (state.Parked.TryGetValue(stream, out var parked) && parked.First == position)
            || (state.FailedAttempts > 0 && state.Position + 1 == position));
        if (record is null || blocked is null)
        {
            throw new RejectedException(
                EngineErrors.NothingParked, $"Event {position} does not block {projection}: it is not the first parked event of its stream, nor the event after a stalled checkpoint.");
        }

        await projector.InTransactionAsync(
            async (session, transaction) =>
            {
                await also(session, transaction);
                await session.RunAsync(
                    ParkedEventSql.InsertSkipped,
                    transaction,
                    cancellationToken,
                    ParkedEventStore.Skip(projection, blocked.Version, position, stream, record.Type, blocked.LastError, user, clock.GetUtcNow()));
                foreach (var state in states.Where(state => state.Parked.TryGetValue(stream, out var one) && one.First == position))
                {
                    await session.UnparkAsync(state, position, transaction, cancellationToken);
                }
            },
            cancellationToken);
        foreach (var state in states)
        {
            projector.Skip(state, position);
            state.Batch = null;
            state.TryAtOnce();
            if (state.Parked.TryGetValue(stream, out var one) && one.First == position)
            {
                await ApplyAsync(state, stream, cancellationToken);
            }
        }
    }

    /// <summary>
    /// Retries the streams that were parked because the process before did not know an event's type or schema version: this one
    /// may, after an upgrade. What it does not know either stays parked.
    /// </summary>
    public async Task RetryUnknownTypesAsync(CancellationToken cancellationToken)
    {
        var found = await database.QueryAsync(
            ParkedEventSql.SelectByError, row => (Projection: row.GetString(0), Stream: row.GetString(1)), cancellationToken,
            ("pattern", ParkedEventStore.UnknownTypePattern));
        foreach (var (projection, stream) in found.Where(one => projector.States.Exists(state => state.Name == one.Projection && state.IsFed)))
        {
            await RetryAsync(projection, stream, cancellationToken);
        }
    }

    private List<ProjectionState> StatesOf(string projection)
    {
        var states = projector.States.Where(state => state.Name == projection && state.IsFed).ToList();
        return states.Count > 0
            ? states
            : throw new RejectedException(EngineErrors.ProjectionNotFound, $"There is no projection {projection} whose tables this version of the service keeps.")
            {
                Subject = projection,
            };
    }

    /// <summary>
    /// Applies a stream's parked events, in order, in one transaction; records the error if that fails again.
    /// </summary>
    private async Task<long> ApplyAsync(ProjectionState state, string stream, CancellationToken cancellationToken)
    {
        var rows = await ReadStreamAsync(database, state, StreamId.Parse(stream), cancellationToken);
        long tried = 0;
        state.Batch = null;
        try
        {
            await projector.InTransactionAsync(
                async (session, transaction) =>
                {
                    foreach (var position in rows.Select(row => row.Position))
                    {
                        tried = position;
                        var page = await store.ReadAllAsync(position - 1, 1, cancellationToken);
                        var handled = projector.Handled(state, projector.Read(page.Events));
                        if (handled.Length > 0)
                        {
                            await state.Projection.ApplyAsync(handled, session.Tables(state.Generation, transaction), cancellationToken);
                        }

                        await session.UnparkAsync(state, position, transaction, cancellationToken);
                    }
                },
                cancellationToken);
            state.Parked.Remove(stream);
            return rows.Count;
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or LeaseLostException))
        {
            // All or nothing: the stream stays parked from the same event. The error belongs to the event that was
            // tried last.
            await projector.InTransactionAsync(
                (session, transaction) => session.RunAsync(
                    ParkedEventSql.Update,
                    transaction,
                    cancellationToken,
                    ParkedEventStore.Update(state.Name, state.Generation, tried, ErrorText.Of(exception), 1, clock.GetUtcNow())),
                cancellationToken);
            if (rows.Count > 0)
            {
                state.Parked[stream] = (rows[0].Position, rows.Count);
            }

            return 0;
        }
    }
}
