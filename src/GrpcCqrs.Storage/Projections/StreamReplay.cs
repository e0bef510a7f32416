using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;

namespace GrpcCqrs.Storage.Projections;

/// <summary>Refolds single streams in tables that also hold other streams. Used by the runner's loop only.</summary>
internal sealed class StreamReplay(Projector projector, IEventStore store, ReadDatabase database)
{
    private const int PageSize = 500;

    /// <summary>
    /// Removes a stream's rows from each generation of a projection that receives events, and applies its events again.
    /// </summary>
    /// <exception cref="DbException">The database failed.</exception>
    /// <exception cref="RejectedException">
    /// The projection cannot replay a single stream, or its logic fails on an event.
    /// </exception>
    public async Task ReplayAsync(string projection, StreamId stream, CancellationToken cancellationToken)
    {
        foreach (var state in projector.States.Where(state => state.Name == projection && state.IsFed && state.HasStreamsOf(stream.Category)).ToArray())
        {
            var keyed = Keyed(state);
            var parked = state.Parked.ContainsKey(stream.ToString()) ? await ParkedEvents.ReadStreamAsync(database, state, stream, cancellationToken) : [];
            state.Batch = null;
            await projector.InTransactionAsync(
                async (session, transaction) =>
                {
                    await RefoldAsync(state, keyed, stream, session.Tables(state.Generation, transaction), cancellationToken);
                    foreach (var one in parked)
                    {
                        await session.UnparkAsync(state, one.Position, transaction, cancellationToken);
                    }
                },
                cancellationToken);
            state.Parked.Remove(stream.ToString());
        }
    }

    /// <summary>Refolds a stream up to the generation's checkpoint.</summary>
    public async Task RefoldAsync(
        ProjectionState state, IStreamProjection projection, StreamId stream, IProjectionTables tables, CancellationToken cancellationToken)
    {
        await projection.RemoveAsync(stream, tables, cancellationToken);
        for (var from = 1L; ;)
        {
            var page = await store.ReadStreamAsync(stream, from, PageSize, cancellationToken);
            var handled = projector.Handled(state, projector.Read(page.Events.Where(record => record.Position <= state.Position)));
            if (handled.Length > 0)
            {
                await projection.ApplyAsync(handled, tables, cancellationToken);
            }

            if (page.IsEnd || page.Events.Count == 0)
            {
                return;
            }

            from = page.Events[^1].Version + 1;
        }
    }

    public static IStreamProjection Keyed(ProjectionState state) => state.Projection as IStreamProjection
        ?? throw new RejectedException(
            EngineErrors.NotByStream, $"{state.Name} cannot fold a single stream anew: its rows depend on several. Rebuild it.")
        { Subject = state.Name };

    /// <summary>The next streams, ordered by name.</summary>
    public static async Task<List<string>> StreamsAsync(WriteDatabase write, string after, string last, int count, CancellationToken cancellationToken)
    {
        await using var connection = await write.OpenAsync(cancellationToken);
        await using var command = Statement.Once(connection, null, EventSql.SelectStreams(write.Provider), ("after", after), ("last", last), ("count", count));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var streams = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            streams.Add(reader.GetString(0));
        }

        return streams;
    }
}
