using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>What a transaction removes besides its appends; 0 for nothing.</summary>
/// <param name="OutboxTo">Outbox rows up to and including this position.</param>
/// <param name="CommandsBefore">Commands answered before this time, in microseconds.</param>
internal sealed record Clearing(long OutboxTo, long CommandsBefore);

/// <summary>
/// Writes one batch of appends in one transaction on its own connection. The sequencer row is locked first, so
/// everything read after that stays true until the commit, even with writers in other processes; unique constraints
/// back every check. Used by one caller at a time.
/// </summary>
internal sealed class AppendWriter(WriteDatabase database, IAppendSessionFactory sessions, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>
    /// A process that is suspended in the middle of an append would hold the sequencer's row, and so block every append
    /// of every process.
    /// </summary>
    private static readonly TimeSpan MaxIdle = TimeSpan.FromSeconds(4);

    private AppendSession? session;

    /// <summary>
    /// A batch whose commit failed with an unknown outcome: its first append, and the log head that it would have
    /// produced.
    /// </summary>
    private (PendingAppend First, LogHead Head)? unresolved;

    /// <summary>
    /// Writes the batch, stores each append's result in <see cref="PendingAppend.Reached"/> and returns the new head.
    /// On a retry after a failed commit, first checks whether the batch was committed, so it is never written twice.
    /// </summary>
    public async Task<long> WriteAsync(IReadOnlyList<PendingAppend> batch, Clearing clearing, CancellationToken cancellationToken)
    {
        var sql = session ??= await OpenAsync(cancellationToken);
        using var turn = await database.WaitForWriterAsync(cancellationToken);
        await using var transaction = await sql.BeginAsync(cancellationToken);
        var keys = AppendPlanner.LookupKeysFor(batch.Select(pending => pending.Request));
        var (head, lookups) = await sql.LockAndLoadAsync(keys, transaction, cancellationToken);
        if (unresolved is { } open && batch is [var first, ..] && ReferenceEquals(open.First, first)
            && await sql.HoldsAsync(open.Head, transaction, cancellationToken))
        {
            unresolved = null;
            return head.Position;
        }

        unresolved = null;
        var planner = new AppendPlanner(head, lookups, UnixMicroseconds.From(clock.GetUtcNow()));
        foreach (var pending in batch)
        {
            pending.Reached = planner.Plan(pending.Request);
        }

        planner.Rows.TrimOutboxTo = clearing.OutboxTo;
        planner.Rows.DeleteCommandsBefore = clearing.CommandsBefore;
        await sql.WriteAsync(planner.Rows, transaction, cancellationToken);
        if (planner.Rows.NewHead is { } newHead)
        {
            unresolved = (batch[0], newHead);
        }

        await sql.CommitAsync(transaction, cancellationToken);
        unresolved = null;
        return planner.Position;
    }

    /// <summary>Closes the connection after a failure, so that the next batch starts on a new one.</summary>
    public async ValueTask ResetAsync()
    {
        if (session is not null)
        {
            var broken = session;
            session = null;
            await broken.DisposeAsync();
        }
    }

    public ValueTask DisposeAsync() => ResetAsync();

    private async Task<AppendSession> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = await database.OpenAsync(cancellationToken);
        try
        {
            await database.Provider.PrepareAsync(connection, ConnectionUse.Appends, MaxIdle, cancellationToken);
            return sessions.CreateAppendSession(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
