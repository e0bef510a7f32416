using System.Data.Common;
using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.Logging;

namespace GrpcCqrs.Storage;

/// <summary>A checkpoint as it is stored.</summary>
internal sealed record SlotRow(
    string Name, int Slot, SlotState State, int Version, long Position, Guid StoreId, DateTimeOffset StateTime, long Target, bool HoldsOnDifference, string? Note);

/// <summary>
/// The sets of tables in use with their checkpoints, which the read database keeps beside the tables that they speak of.
/// </summary>
internal sealed partial class ProjectionSlots(ReadDatabase database, StoreIdentity identity, TimeProvider clock, ILogger<ProjectionSlots> logger)
{
    /// <summary>All checkpoints.</summary>
    public static async Task<List<SlotRow>> ReadAsync(
        DatabaseProvider provider, DbConnection connection, DbTransaction? transaction, CancellationToken cancellationToken)
    {
        var rows = new List<SlotRow>();
        await using var command = Statement.Once(connection, transaction, provider.SelectCheckpoints);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new SlotRow(
                reader.GetString(0), reader.GetInt32(1), (SlotState)reader.GetInt32(2), reader.GetInt32(3), reader.GetInt64(4), reader.GetGuid(5),
                UnixMicroseconds.ToTime(reader.GetInt64(6)), reader.GetInt64(7), reader.GetBoolean(8), reader.IsDBNull(9) ? null : reader.GetString(9)));
        }

        return rows;
    }

    /// <summary>The streams with parked events: the first of them and how many, by projection and slot.</summary>
    public static async Task<List<(string Projection, int Slot, string Stream, long First, long Count)>> ReadParkedAsync(
        DatabaseProvider provider, DbConnection connection, DbTransaction? transaction, CancellationToken cancellationToken)
    {
        var rows = new List<(string, int, string, long, long)>();
        await using var command = Statement.Once(connection, transaction, provider.SelectParkedStreams);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add((reader.GetString(0), reader.GetInt32(1), reader.GetString(2), reader.GetInt64(3), reader.GetInt64(4)));
        }

        return rows;
    }

    /// <summary>
    /// Brings the checkpoints in line with the projections of this process and returns those in use. A projection that is new, or
    /// whose tables were filled from another store or from events that the store no longer has (it was restored from a backup),
    /// starts over in place. One whose version has changed keeps its live tables as they are, while the other set is filled
    /// with the new logic.
    /// </summary>
    /// <param name="projections">The projections of this process.</param>
    /// <param name="head">The newest event.</param>
    /// <param name="transaction">The transaction to do it in.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public async Task<List<SlotRow>> ReconcileAsync(
        IReadOnlyCollection<IProjection> projections, long head, DbTransaction transaction, CancellationToken cancellationToken)
    {
        var stored = await ReadAsync(database.Provider, transaction.Connection!, transaction, cancellationToken);
        foreach (var projection in projections)
        {
            var rows = stored.Where(row => row.Name == projection.Name).ToList();
            foreach (var foreign in rows.Where(row => row.StoreId != identity.StoreId || row.Position > head).ToArray())
            {
                await ClearAsync(projection, foreign.Slot, transaction, cancellationToken);
                rows.Remove(foreign);
            }

            var live = rows.Find(row => row.State == SlotState.Live);
            if (live is null)
            {
                LogStartsOver(logger, projection.Name, projection.Version);
                foreach (var rest in rows)
                {
                    await ClearAsync(projection, rest.Slot, transaction, cancellationToken);
                }

                await AddAsync(projection, 0, SlotState.Live, 0, holdsOnDifference: false, transaction, cancellationToken);
                continue;
            }

            var other = rows.Find(row => row.State != SlotState.Live);
            if (live.Version == projection.Version)
            {
                if (other is not null && other.Version != projection.Version && other.State != SlotState.Previous)
                {
                    await ClearAsync(projection, other.Slot, transaction, cancellationToken);
                }
            }
            else if (other?.Version != projection.Version || other.State == SlotState.Dropped)
            {
                LogUpgrade(logger, projection.Name, live.Version, projection.Version);
                await AddAsync(projection, 1 - live.Slot, SlotState.Building, head, holdsOnDifference: false, transaction, cancellationToken);
            }
            else if (other.State != SlotState.Building)
            {
                await SetStateAsync(other.Name, other.Slot, SlotState.Building, null, transaction, cancellationToken);
            }
        }

        return await ReadAsync(database.Provider, transaction.Connection!, transaction, cancellationToken);
    }

    /// <summary>Empties a set of tables and begins it at position 0.</summary>
    public async Task AddAsync(
        IProjection projection, int slot, SlotState state, long target, bool holdsOnDifference, DbTransaction transaction, CancellationToken cancellationToken)
    {
        await ClearAsync(projection, slot, transaction, cancellationToken);
        await RunAsync(
            transaction,
            database.Provider.InsertCheckpoint,
            [
                ("name", projection.Name), ("slot", slot), ("state", (int)state), ("version", projection.Version),
                ("time_us", UnixMicroseconds.From(clock.GetUtcNow())), ("store_id", identity.StoreId), ("target", target),
                ("holds_on_difference", holdsOnDifference),
            ],
            cancellationToken);
    }

    /// <summary>Empties a set of tables and forgets its checkpoint and what is parked for it.</summary>
    public async Task ClearAsync(IProjection projection, int slot, DbTransaction transaction, CancellationToken cancellationToken)
    {
        foreach (var table in projection.Tables)
        {
            await RunAsync(transaction, database.Provider.EmptyTable(TableSlots.NameIn(slot, table)), [], cancellationToken);
        }

        await RunAsync(transaction, database.Provider.DeleteAllParked, [("projection", projection.Name), ("slot", slot)], cancellationToken);
        await RunAsync(transaction, database.Provider.DeleteCheckpoint, [("name", projection.Name), ("slot", slot)], cancellationToken);
    }

    /// <summary>Changes what a set of tables is for.</summary>
    public Task SetStateAsync(string name, int slot, SlotState state, string? note, DbTransaction transaction, CancellationToken cancellationToken) => RunAsync(
        transaction,
        database.Provider.SetSlotState,
        [("state", (int)state), ("time_us", UnixMicroseconds.From(clock.GetUtcNow())), ("note", note), ("name", name), ("slot", slot)],
        cancellationToken);

    private static async Task RunAsync(DbTransaction transaction, string text, (string Name, object? Value)[] parameters, CancellationToken cancellationToken)
    {
        await using var command = Statement.Once(transaction.Connection!, transaction, text, parameters);

        // Emptying a large table takes what it takes: to give up after a time and begin again would take forever.
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    [LoggerMessage(1203, LogLevel.Information, "Projection {Projection} version {Version} starts over from the first event")]
    private static partial void LogStartsOver(ILogger logger, string projection, int version);

    [LoggerMessage(1205, LogLevel.Information, "Projection {Projection} changes from version {Old} to {New}: its second set of tables is filled, the first is read meanwhile")]
    private static partial void LogUpgrade(ILogger logger, string projection, int old, int @new);
}
