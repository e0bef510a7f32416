using System.Data.Common;
using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.Logging;

namespace GrpcCqrs.Storage;

/// <summary>Keeps the checkpoints in the read database, beside the tables that they speak of.</summary>
internal sealed partial class ProjectionCheckpoints(
    ReadDatabase database, StoreIdentity identity, TimeProvider clock, ILogger<ProjectionCheckpoints> logger)
{
    /// <summary>
    /// The position of each projection by name. One that is new, whose version has changed, or whose tables were filled from
    /// another store or from events that the store no longer has (it was restored from a backup) starts over: its tables are emptied
    /// and its position is 0.
    /// </summary>
    public async Task<Dictionary<string, long>> LoadAsync(IReadOnlyList<IProjection> projections, long head, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var stored = await ReadAsync(connection, transaction, cancellationToken);
        var positions = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var projection in projections)
        {
            if (stored.TryGetValue(projection.Name, out var row) && row.Version == projection.Version && row.StoreId == identity.StoreId
                && row.Position <= head)
            {
                positions.Add(projection.Name, row.Position);
                continue;
            }

            LogStartsOver(logger, projection.Name, projection.Version);
            await StartOverAsync(projection, connection, transaction, cancellationToken);
            positions.Add(projection.Name, 0);
        }

        await transaction.CommitAsync(cancellationToken);
        return positions;
    }

    /// <summary>Moves a checkpoint within the transaction that applies the events.</summary>
    /// <exception cref="CheckpointMovedException">Another process has moved it; the transaction must be rolled back.</exception>
    public async Task AdvanceAsync(IProjection projection, long from, long to, DbTransaction transaction, CancellationToken cancellationToken)
    {
        await using var command = Statement.Once(
            transaction.Connection!, transaction, database.Provider.AdvanceCheckpoint,
            ("position", to), ("time_us", UnixMicroseconds.From(clock.GetUtcNow())), ("name", projection.Name), ("expected", from));
        if (await command.ExecuteNonQueryAsync(cancellationToken) != 1)
        {
            throw new CheckpointMovedException(projection.Name);
        }
    }

    private async Task<Dictionary<string, (int Version, long Position, Guid StoreId)>> ReadAsync(
        DbConnection connection, DbTransaction transaction, CancellationToken cancellationToken)
    {
        var rows = new Dictionary<string, (int, long, Guid)>(StringComparer.Ordinal);
        await using var command = Statement.Once(connection, transaction, database.Provider.SelectCheckpoints);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(reader.GetString(0), (reader.GetInt32(1), reader.GetInt64(2), reader.GetGuid(3)));
        }

        return rows;
    }

    private async Task StartOverAsync(IProjection projection, DbConnection connection, DbTransaction transaction, CancellationToken cancellationToken)
    {
        foreach (var table in projection.Tables)
        {
            await RunAsync(database.Provider.EmptyTable(table));
        }

        await RunAsync(database.Provider.DeleteCheckpoint, ("name", projection.Name));
        await RunAsync(
            database.Provider.InsertCheckpoint,
            ("name", projection.Name), ("version", projection.Version), ("position", 0L),
            ("time_us", UnixMicroseconds.From(clock.GetUtcNow())), ("store_id", identity.StoreId));

        async Task RunAsync(string text, params (string Name, object? Value)[] parameters)
        {
            await using var command = Statement.Once(connection, transaction, text, parameters);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    [LoggerMessage(1203, LogLevel.Information, "Projection {Projection} version {Version} starts over from the first event")]
    private static partial void LogStartsOver(ILogger logger, string projection, int version);
}

/// <summary>Another process has moved a checkpoint in the meantime.</summary>
internal sealed class CheckpointMovedException(string projection)
    : Exception($"The checkpoint of {projection} was moved by another process.");
