using System.Data.Common;

namespace GrpcCqrs.Storage;

/// <summary>
/// Writes one batch of appends in one transaction on a connection of its own. The sequencer row is locked first, so that whatever
/// is read behind it stays true until the commit, also against writers in other processes; unique constraints stand behind every
/// check. Used by one caller at a time.
/// </summary>
internal sealed class AppendWriter(WriteDatabase database, TimeProvider clock) : IAsyncDisposable
{
    private DbConnection? connection;
    private AppendStatements? statements;

    /// <summary>Writes the batch, leaves each append's verdict in <see cref="PendingAppend.Reached"/> and returns the new head.</summary>
    public async Task<long> WriteAsync(IReadOnlyList<PendingAppend> batch, long trimOutboxTo, CancellationToken cancellationToken)
    {
        var sql = statements ?? await OpenAsync(cancellationToken);
        await using var transaction = await connection!.BeginTransactionAsync(cancellationToken);
        var work = new AppendTransaction(sql, transaction, cancellationToken);
        await work.LockAsync(UnixMicroseconds.From(clock.GetUtcNow()));
        foreach (var pending in batch)
        {
            pending.Reached = await work.AppendAsync(pending.Request);
        }

        if (trimOutboxTo > 0)
        {
            await work.TrimOutboxAsync(trimOutboxTo);
        }

        await work.AdvanceAsync();
        await transaction.CommitAsync(cancellationToken);
        return work.Position;
    }

    /// <summary>Closes the connection after a failure, so that the next batch begins on a clean one.</summary>
    public async ValueTask ResetAsync()
    {
        statements?.Dispose();
        statements = null;
        if (connection is not null)
        {
            await connection.DisposeAsync();
            connection = null;
        }
    }

    public ValueTask DisposeAsync() => ResetAsync();

    private async Task<AppendStatements> OpenAsync(CancellationToken cancellationToken)
    {
        await ResetAsync();
        connection = await database.OpenAsync(cancellationToken);
        await database.Provider.PrepareWriterAsync(connection, cancellationToken);
        return statements = new AppendStatements(connection, database.Provider);
    }
}
