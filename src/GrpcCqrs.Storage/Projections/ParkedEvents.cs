using System.Data.Common;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>An event that a projection could not apply, or that follows such an event in its stream.</summary>
/// <param name="Projection">The projection.</param>
/// <param name="Position">The event's position.</param>
/// <param name="Stream">Its stream.</param>
/// <param name="EventType">Its type's stable name.</param>
/// <param name="Error">Why it could not be applied; null if it only follows another parked event.</param>
/// <param name="Attempts">The number of attempts.</param>
/// <param name="Time">When it was last tried or parked.</param>
public sealed record ParkedEvent(string Projection, long Position, string Stream, string EventType, string? Error, int Attempts, DateTimeOffset Time);

/// <summary>An event that a projection skips at an operator's request.</summary>
/// <param name="Projection">The projection.</param>
/// <param name="Version">The version of its logic; a later version applies the event again.</param>
/// <param name="Position">The event's position.</param>
/// <param name="Stream">Its stream.</param>
/// <param name="EventType">Its type's stable name.</param>
/// <param name="Error">Why it could not be applied.</param>
/// <param name="User">The user who skipped it.</param>
/// <param name="Time">When it was skipped.</param>
public sealed record SkippedEvent(
    string Projection, int Version, long Position, string Stream, string EventType, string? Error, string User, DateTimeOffset Time);

/// <summary>Retries and skips parked events. Used by the runner's loop only, except for the static reads.</summary>
internal sealed class ParkedEvents(Projector projector, IEventStore store, ReadDatabase database, TimeProvider clock)
{
    /// <summary>Parked events of the live tables, ordered by position and projection.</summary>
    public static async Task<List<ParkedEvent>> ReadAsync(
        ReadDatabase database, string projection, (long Position, string Projection) after, int count, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = Statement.Once(
            connection, null, ProjectionSql.SelectParked(database.Provider), ("projection", projection), ("after", after.Position), ("after_projection", after.Projection), ("count", count));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<ParkedEvent>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new ParkedEvent(
                reader.GetString(0), reader.GetInt64(1), reader.GetString(2), reader.GetString(3), reader.IsDBNull(4) ? null : reader.GetString(4),
                reader.GetInt32(5), UnixMicroseconds.ToTime(reader.GetInt64(6))));
        }

        return rows;
    }

    /// <summary>All skipped events, ordered by position.</summary>
    public static async Task<List<SkippedEvent>> ReadSkippedAsync(ReadDatabase database, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = Statement.Once(connection, null, ProjectionSql.SelectSkipped);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<SkippedEvent>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new SkippedEvent(
                reader.GetString(0), reader.GetInt32(1), reader.GetInt64(2), reader.GetString(3), reader.GetString(4),
                reader.IsDBNull(5) ? null : reader.GetString(5), reader.GetString(6), UnixMicroseconds.ToTime(reader.GetInt64(7))));
        }

        return rows;
    }

    /// <summary>A stream's parked events in one generation, ordered by position.</summary>
    public static async Task<List<(long Position, string EventType, string? Error)>> ReadStreamAsync(
        ReadDatabase database, ProjectionState state, string stream, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = Statement.Once(
            connection, null, ProjectionSql.SelectParkedOfStream, ("projection", state.Name), ("generation", state.Generation), ("stream", stream));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<(long, string, string?)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add((reader.GetInt64(0), reader.GetString(1), reader.IsDBNull(2) ? null : reader.GetString(2)));
        }

        return rows;
    }

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
                EngineErrors.NothingParked, $"Neither is event {position} the first parked one of its stream in {projection}, nor does {projection} stand still before it.");
        }

        await projector.InTransactionAsync(
            async (session, transaction) =>
            {
                await also(session, transaction);
                await session.RunAsync(
                    ProjectionSql.InsertSkipped,
                    transaction,
                    cancellationToken,
                    ("projection", projection), ("version", blocked.Version), ("position", position), ("stream", stream), ("event_type", record.Type),
                    ("error", blocked.LastError), ("user_name", user), ("time_us", UnixMicroseconds.From(clock.GetUtcNow())));
                foreach (var state in states.Where(state => state.Parked.TryGetValue(stream, out var one) && one.First == position))
                {
                    await session.RunAsync(
                        ProjectionSql.DeleteParked, transaction, cancellationToken, ("projection", projection), ("generation", state.Generation), ("position", position));
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
        var found = new List<(string Projection, string Stream)>();
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            await using var command = Statement.Once(
                connection, null, ProjectionSql.SelectParkedByError, ("pattern", $"{nameof(UnknownEventTypeException)}: %"));
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                found.Add((reader.GetString(0), reader.GetString(1)));
            }
        }

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
        var rows = await ReadStreamAsync(database, state, stream, cancellationToken);
        long tried = 0;
        state.Batch = null;
        try
        {
            await projector.InTransactionAsync(
                async (session, transaction) =>
                {
                    foreach (var (position, _, _) in rows)
                    {
                        tried = position;
                        var page = await store.ReadAllAsync(position - 1, 1, cancellationToken);
                        var handled = projector.Handled(state, projector.Read(page.Events));
                        if (handled.Length > 0)
                        {
                            await state.Projection.ApplyAsync(handled, session.Tables(state.Generation, transaction), cancellationToken);
                        }

                        await session.RunAsync(
                            ProjectionSql.DeleteParked, transaction, cancellationToken, ("projection", state.Name), ("generation", state.Generation), ("position", position));
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
                    ProjectionSql.UpdateParked,
                    transaction,
                    cancellationToken,
                    ("error", ProjectionState.Describe(exception)), ("time_us", UnixMicroseconds.From(clock.GetUtcNow())),
                    ("projection", state.Name), ("generation", state.Generation), ("position", tried)),
                cancellationToken);
            if (rows.Count > 0)
            {
                state.Parked[stream] = (rows[0].Position, rows.Count);
            }

            return 0;
        }
    }
}
