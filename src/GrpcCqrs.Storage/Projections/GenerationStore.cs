using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Readers;
using Microsoft.Extensions.Logging;

namespace GrpcCqrs.Storage.Projections;

/// <summary>A checkpoint as stored.</summary>
internal sealed record GenerationRow(
    string Name, int Generation, GenerationState State, int Version, long Position, Guid StoreId, DateTimeOffset StateTime, long Target, bool HoldsOnDifference, string? Note,
    IReadOnlyList<string> Tables, string Shape);

/// <summary>
/// Stores the generations of the projections' tables with their checkpoints, in the read database beside the tables.
/// </summary>
internal sealed partial class GenerationStore(
    ReadDatabase database, ProjectionSchema schema, StoreIdentity identity, TimeProvider clock, ILogger<GenerationStore> logger)
{
    /// <summary>
    /// How long a DROP TABLE may wait for queries that read the table. The live tables wait meanwhile.
    /// </summary>
    private const int DropTimeoutSeconds = 1;

    public static async Task<List<GenerationRow>> ReadAsync(
        DatabaseProvider provider, DbConnection connection, DbTransaction? transaction, CancellationToken cancellationToken)
    {
        var rows = new List<GenerationRow>();
        await using var command = Statement.Once(connection, transaction, ProjectionSql.SelectCheckpoints);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new GenerationRow(
                reader.GetString(0), reader.GetInt32(1), (GenerationState)reader.GetInt32(2), reader.GetInt32(3), reader.GetInt64(4), reader.GetGuid(5),
                UnixMicroseconds.ToTime(reader.GetInt64(6)), reader.GetInt64(7), reader.GetBoolean(8), reader.IsDBNull(9) ? null : reader.GetString(9), reader.GetString(10).Split(','), reader.GetString(11)));
        }

        return rows;
    }

    /// <summary>
    /// Creates the first generation of each projection that has none, so that queries find their tables from the first
    /// request on. Called at start-up by a process that may project.
    /// </summary>
    /// <exception cref="SchemaException">The database rejected a statement.</exception>
    /// <exception cref="InvalidOperationException">The row classes of a projection have changed and its version has not.</exception>
    public async Task CreateMissingAsync(IReadOnlyCollection<IProjection> projections, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);

        // Every writer of the read database locks this row, so two processes that start at once do this one after the
        // other.
        await RunAsync(transaction, LeaseSql.Lock, [("name", Lease.Projector)], cancellationToken);
        var stored = await ReadAsync(database.Provider, connection, transaction, cancellationToken);
        var next = NextOf(stored);
        foreach (var projection in projections)
        {
            if (stored.Find(row => row.Name == projection.Name && row.Version == projection.Version && row.State != GenerationState.Dropped
                && row.Shape != ProjectionSchema.ShapeOf(projection)) is { } other)
            {
                throw new InvalidOperationException(
                    $"The row classes of projection {projection.Name} have changed since generation {other.Generation} was made, and its Version is still {other.Version}. If this is meant, raise Version: the engine then fills new tables beside these.");
            }

            if (stored.Exists(row => row.Name == projection.Name))
            {
                continue;
            }

            await AddAsync(projection, next, GenerationState.Live, 0, holdsOnDifference: false, transaction, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>
    /// Reconciles the generations with this process's projections and returns them. A projection starts over if it is
    /// new, or if its tables were filled from another store or from events that the store no longer has (after a
    /// restore from a backup). If its version has changed, it keeps its live generation while another one is filled
    /// with the new logic.
    /// </summary>
    /// <param name="projections">The projections of this process.</param>
    /// <param name="head">The newest position.</param>
    /// <param name="transaction">The transaction.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    public async Task<List<GenerationRow>> ReconcileAsync(
        IReadOnlyCollection<IProjection> projections, long head, DbTransaction transaction, CancellationToken cancellationToken)
    {
        var stored = await ReadAsync(database.Provider, transaction.Connection!, transaction, cancellationToken);
        var next = NextOf(stored);
        foreach (var projection in projections)
        {
            var rows = stored.FindAll(row => row.Name == projection.Name && row.State != GenerationState.Dropped);
            foreach (var foreign in rows.Where(row => row.StoreId != identity.StoreId || row.Position > head).ToArray())
            {
                await SetStateAsync(foreign.Name, foreign.Generation, GenerationState.Dropped, null, transaction, cancellationToken);
                rows.Remove(foreign);
            }

            var live = rows.Find(row => row.State == GenerationState.Live);
            if (live is null)
            {
                LogStartsOver(logger, projection.Name, projection.Version);
                foreach (var rest in rows)
                {
                    await SetStateAsync(rest.Name, rest.Generation, GenerationState.Dropped, null, transaction, cancellationToken);
                }

                await AddAsync(projection, next, GenerationState.Live, 0, holdsOnDifference: false, transaction, cancellationToken);
            }
            else if (live.Version == projection.Version)
            {
                foreach (var other in rows.Where(row => row.Version != projection.Version && row.State is not GenerationState.Previous))
                {
                    await SetStateAsync(other.Name, other.Generation, GenerationState.Dropped, null, transaction, cancellationToken);
                }
            }
            else if (rows.Find(row => row.Version == projection.Version) is { } begun)
            {
                if (begun.State != GenerationState.Building)
                {
                    await SetStateAsync(begun.Name, begun.Generation, GenerationState.Building, null, transaction, cancellationToken);
                }
            }
            else
            {
                LogUpgrade(logger, projection.Name, live.Version, projection.Version);
                await AddAsync(projection, next, GenerationState.Building, head, holdsOnDifference: false, transaction, cancellationToken);
            }
        }

        return await ReadAsync(database.Provider, transaction.Connection!, transaction, cancellationToken);
    }

    /// <summary>
    /// The number of the next generation of any projection: one more than the highest of all, so that one script of the
    /// schema fits whichever projections are rebuilt.
    /// </summary>
    public static int NextOf(IEnumerable<GenerationRow> rows) => rows.Select(row => row.Generation).DefaultIfEmpty(0).Max() + 1;

    /// <summary>Creates the next generation, empty, with its checkpoint at position 0.</summary>
    /// <param name="projection">The projection.</param>
    /// <param name="generation">Its number, from <see cref="NextOf"/>.</param>
    /// <param name="state">The new generation's state.</param>
    /// <param name="target">The newest position if it is filled beside a live generation; otherwise 0.</param>
    /// <param name="holdsOnDifference">Whether it awaits approval if it differs from the live one.</param>
    /// <param name="transaction">The transaction.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <exception cref="SchemaException">The database refuses to create a table.</exception>
    public async Task AddAsync(
        IProjection projection, int generation, GenerationState state, long target, bool holdsOnDifference,
        DbTransaction transaction, CancellationToken cancellationToken)
    {
        await schema.CreateAsync(projection, generation, transaction, cancellationToken);
        await RunAsync(
            transaction,
            ProjectionSql.InsertCheckpoint,
            [
                ("name", projection.Name), ("generation", generation), ("state", (int)state), ("version", projection.Version),
                ("time_us", UnixMicroseconds.From(clock.GetUtcNow())), ("store_id", identity.StoreId), ("target", target),
                ("holds_on_difference", holdsOnDifference), ("tables", string.Join(',', projection.Tables.Select(table => table.Name))),
                ("shape", ProjectionSchema.ShapeOf(projection)),
            ],
            cancellationToken);
    }

    /// <summary>Drops a generation's tables, and deletes its checkpoint and its parked events.</summary>
    /// <exception cref="SchemaException">The database rejects the statement, or queries still read a table.</exception>
    public async Task RemoveAsync(ProjectionState state, DbTransaction transaction, CancellationToken cancellationToken)
    {
        foreach (var table in state.Tables)
        {
            await ProjectionSchema.RunAsync(ProjectionSchema.Drop(table, state.Generation), transaction, cancellationToken, DropTimeoutSeconds);
        }

        await DeleteRowsAsync(state, transaction, cancellationToken);
    }

    /// <summary>
    /// For a login that may not drop tables: empties them. A later generation with that number reuses them.
    /// </summary>
    public async Task EmptyAsync(ProjectionState state, DbTransaction transaction, CancellationToken cancellationToken)
    {
        foreach (var table in state.Tables)
        {
            await RunAsync(transaction, $"DELETE FROM {GenerationNames.NameIn(state.Generation, table)}", [], cancellationToken);
        }

        await DeleteRowsAsync(state, transaction, cancellationToken);
    }

    public Task SetStateAsync(string name, int generation, GenerationState state, string? note, DbTransaction transaction, CancellationToken cancellationToken) => RunAsync(
        transaction,
        ProjectionSql.SetGenerationState,
        [("state", (int)state), ("time_us", UnixMicroseconds.From(clock.GetUtcNow())), ("note", note), ("name", name), ("generation", generation)],
        cancellationToken);

    private async Task DeleteRowsAsync(ProjectionState state, DbTransaction transaction, CancellationToken cancellationToken)
    {
        await RunAsync(transaction, ParkedEventSql.DeleteAll, [("reader", state.Name), ("generation", state.Generation)], cancellationToken);
        await RunAsync(transaction, ProjectionSql.DeleteCheckpoint, [("name", state.Name), ("generation", state.Generation)], cancellationToken);
    }

    private static async Task RunAsync(DbTransaction transaction, string text, (string Name, object? Value)[] parameters, CancellationToken cancellationToken)
    {
        await using var command = Statement.Once(transaction.Connection!, transaction, text, parameters);

        // No timeout: emptying a large table can take long, and restarting it after a timeout would never finish.
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    [LoggerMessage(1203, LogLevel.Information, "Projection {Projection} version {Version} starts over from the first event")]
    private static partial void LogStartsOver(ILogger logger, string projection, int version);

    [LoggerMessage(1205, LogLevel.Information, "Projection {Projection} changes from version {Old} to {New}: a new generation is filled, the live one is read meanwhile")]
    private static partial void LogUpgrade(ILogger logger, string projection, int old, int @new);
}
