using System.Data.Common;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;

namespace GrpcCqrs.Storage.Operations;

/// <summary>The result of a verification of the hash chain.</summary>
/// <param name="Verified">How many events, from the first, are unchanged.</param>
/// <param name="BrokenAt">The first position at which the log is broken; null if it is intact.</param>
/// <param name="Problem">What is wrong there, in a sentence; null if the log is intact.</param>
internal sealed record Verification(long Verified, long? BrokenAt, string? Problem)
{
    /// <summary>Whether no problem was found.</summary>
    public bool IsIntact => BrokenAt is null;
}

/// <summary>
/// Verifies the hash chain from the first event to the last. It detects every changed, missing, added or moved event,
/// and a truncated end. It cannot detect a log that was rewritten completely, with all hashes and the sequencer: for
/// that, compare the last hash with one kept elsewhere.
/// </summary>
internal sealed class LogVerifier(WriteDatabase database)
{
    /// <summary>How many events are read at a time, to bound memory.</summary>
    private const int ReadBatch = 500;

    /// <summary>Verifies the chain up to the current last event. Appends continue meanwhile.</summary>
    /// <exception cref="DbException">The write database fails.</exception>
    public Task<Verification> VerifyAsync(CancellationToken cancellationToken) => VerifyAsync((_, _) => Task.CompletedTask, cancellationToken);

    /// <summary>Verifies the chain and reports progress after each page of events.</summary>
    /// <param name="report">Gets the position reached and the last position.</param>
    /// <param name="cancellationToken">Cancels the verification.</param>
    /// <exception cref="DbException">The write database fails.</exception>
    public async Task<Verification> VerifyAsync(Func<long, long, Task> report, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(report);
        await using var connection = database.Provider.CreateConnection(database.Provider.ReadOnly(database.ConnectionString));
        await connection.OpenAsync(cancellationToken);

        // In this order: an append in between moves the sequencer, which is read last.
        var last = await ReadLastAsync(connection, cancellationToken);
        var head = await ReadHeadAsync(connection, cancellationToken);
        if (head is null)
        {
            return new Verification(0, 1, "The sequencer row is missing.");
        }

        var (position, hash) = (0L, HashChain.Genesis);
        while (position < head.Value.Position)
        {
            var rows = await ReadAsync(connection, position, cancellationToken);
            foreach (var row in rows.Where(row => row.Position <= head.Value.Position))
            {
                if (row.Position != position + 1)
                {
                    return new Verification(position, position + 1, $"The event is missing; the next one has position {row.Position}.");
                }

                if (!HashChain.Next(hash, row).AsSpan().SequenceEqual(row.Hash))
                {
                    return new Verification(position, row.Position, "The event is not the one that was written, or does not follow its predecessor.");
                }

                (position, hash) = (row.Position, row.Hash);
            }

            await report(position, head.Value.Position);
            if (rows.Count == 0 || rows[0].Position > head.Value.Position)
            {
                return new Verification(position, position + 1, $"The event is missing, and so are all later ones up to position {head.Value.Position}.");
            }
        }

        if (last > head.Value.Position)
        {
            return new Verification(position, position + 1, $"There is an event at position {last}, beyond what the sequencer has handed out.");
        }

        return hash.AsSpan().SequenceEqual(head.Value.Hash)
            ? new Verification(position, null, null)
            : new Verification(position, position + 1, "The newest event is not the one that the sequencer knows.");
    }

    private async Task<LogHead?> ReadHeadAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        await using var command = Statement.Once(connection, null, AppendSql.SelectSequencer);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new LogHead(reader.GetInt64(0), reader.GetInt64(1), reader.GetFieldValue<byte[]>(2))
            : null;
    }

    private static async Task<long> ReadLastAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        await using var command = Statement.Once(connection, null, "SELECT MAX(position) FROM events");
        return await command.ExecuteScalarAsync(cancellationToken) as long? ?? 0;
    }

    private async Task<List<EventRow>> ReadAsync(DbConnection connection, long after, CancellationToken cancellationToken)
    {
        var rows = new List<EventRow>(ReadBatch);
        long bytes = 0;
        await using var command = Statement.Once(connection, null, EventSql.SelectChain(database.Provider), ("after", after), ("count", ReadBatch));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (bytes < EventReader.MaxPageBytes && await reader.ReadAsync(cancellationToken))
        {
            var row = new EventRow
            {
                Position = reader.GetInt64(0),
                Stream = reader.GetString(1),
                Version = reader.GetInt64(2),
                EventId = reader.GetGuid(3),
                Type = reader.GetString(4),
                SchemaVersion = reader.GetInt32(5),
                Payload = reader.GetFieldValue<byte[]>(6),
                CommandId = reader.GetGuid(7),
                CorrelationId = reader.GetString(8),
                CausationId = reader.GetString(9),
                User = reader.GetString(10),
                TimeMicroseconds = reader.GetInt64(11),
                Hash = reader.GetFieldValue<byte[]>(12),
            };
            rows.Add(row);
            bytes += row.Payload.Length;
        }

        return rows;
    }
}
