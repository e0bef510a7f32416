using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Readers;

namespace GrpcCqrs.Storage.Projections;

/// <summary>
/// The projector's connection to the read database, kept across batches together with its prepared statements. Every
/// transaction begins by asserting the lease. Used by one caller at a time.
/// </summary>
internal sealed class ProjectionSession : IAsyncDisposable
{
    private readonly DbConnection connection;
    private readonly DatabaseProvider provider;
    private readonly Lease lease;
    private readonly TimeProvider clock;
    private readonly WriteBuffer? buffer;
    private readonly Dictionary<int, ProjectionTables> tables = [];
    private readonly Statement keepLease;
    private readonly Statement advance;
    private readonly Statement park;

    private ProjectionSession(DbConnection connection, DatabaseProvider provider, Lease lease, TimeProvider clock)
    {
        this.connection = connection;
        this.provider = provider;
        this.lease = lease;
        this.clock = clock;
        buffer = provider is IWriteGathering ? new WriteBuffer(connection) : null;
        keepLease = new Statement(connection, LeaseSql.Keep, ("name", null), ("fence", null));
        advance = new Statement(
            connection, ProjectionSql.AdvanceCheckpoint, ("position", null), ("time_us", null), ("name", null), ("generation", null), ("expected", null));
        park = new Statement(connection, ParkedEventSql.Insert, ParkedEventStore.Insert("", 0, 0, "", "", null, 0, false, default));
    }

    public static async Task<ProjectionSession> OpenAsync(
        ReadDatabase database, Lease lease, TimeProvider clock, CancellationToken cancellationToken)
    {
        var opened = await database.OpenAsync(cancellationToken);
        try
        {
            await database.Provider.PrepareAsync(opened, ConnectionUse.Projections, lease.Duration, cancellationToken);
            return new ProjectionSession(opened, database.Provider, lease, clock);
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether the connection is still open; a session cannot be used once its connection is lost.</summary>
    public bool IsOpen => connection.State == System.Data.ConnectionState.Open;

    /// <summary>Begins a transaction under the lease.</summary>
    /// <exception cref="LeaseLostException">Another process holds the lease.</exception>
    public async Task<DbTransaction> BeginAsync(CancellationToken cancellationToken)
    {
        var transaction = await connection.BeginTransactionAsync(cancellationToken);
        buffer?.Transaction = transaction;
        try
        {
            await lease.AssertAsync(keepLease.With(transaction, ("name", lease.Name), ("fence", lease.Fence ?? -1)), cancellationToken);
            return transaction;
        }
        catch
        {
            await transaction.DisposeAsync();
            throw;
        }
    }

    /// <summary>Flushes the buffered writes and commits.</summary>
    public async Task CommitAsync(DbTransaction transaction, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Discards the buffered writes of a transaction that has ended.</summary>
    public void DiscardWrites() => buffer?.Discard();

    /// <summary>The tables of a generation within a transaction; without one, for reading only.</summary>
    public IProjectionTables Tables(int generation, DbTransaction? transaction)
    {
        if (!tables.TryGetValue(generation, out var found))
        {
            tables.Add(generation, found = new ProjectionTables(connection, generation, provider, buffer));
        }

        found.Open = transaction;
        return found;
    }

    /// <summary>Disposes the prepared statements of a removed generation.</summary>
    public void Release(int generation)
    {
        if (tables.Remove(generation, out var gone))
        {
            gone.Dispose();
        }
    }

    /// <summary>Advances a checkpoint within the transaction that applies the events.</summary>
    /// <exception cref="CheckpointMovedException">Another writer has moved it; roll the transaction back.</exception>
    public async Task AdvanceAsync(ProjectionState state, long to, DbTransaction transaction, CancellationToken cancellationToken)
    {
        (string Name, object? Value)[] parameters =
            [("position", to), ("time_us", UnixMicroseconds.From(clock.GetUtcNow())), ("name", state.Name), ("generation", state.Generation), ("expected", state.Position)];
        if (buffer is not null)
        {
            await buffer.AddAsync(buffer.Make(ProjectionSql.AdvanceCheckpoint, parameters), 0, cancellationToken, ThrowUnlessOne);
        }
        else
        {
            ThrowUnlessOne(await advance.With(transaction, parameters).ExecuteNonQueryAsync(cancellationToken));
        }

        void ThrowUnlessOne(int moved)
        {
            if (moved != 1)
            {
                throw new CheckpointMovedException(state.Name);
            }
        }
    }

    /// <summary>Parks an event within a transaction.</summary>
    /// <param name="state">The generation that lacks it.</param>
    /// <param name="record">The event.</param>
    /// <param name="error">Why it failed; null for an event that only follows a parked one in its stream.</param>
    /// <param name="attempts">The number of attempts.</param>
    /// <param name="transaction">The transaction.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    public async Task ParkAsync(
        ProjectionState state, RecordedEvent record, string? error, int attempts, DbTransaction transaction, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken);
        await park.With(
            transaction,
            ParkedEventStore.Insert(
                state.Name, state.Generation, record.Position, record.Stream.ToString(), record.Type, error, attempts, isRetrying: false, clock.GetUtcNow()))
            .ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Removes a parked event within a transaction.</summary>
    public Task UnparkAsync(ProjectionState state, long position, DbTransaction transaction, CancellationToken cancellationToken) =>
        RunAsync(ParkedEventSql.Delete, transaction, cancellationToken, ParkedEventStore.One(state.Name, state.Generation, position));

    /// <summary>Runs a rarely used statement without keeping it prepared.</summary>
    public async Task<int> RunAsync(
        string text, DbTransaction transaction, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        await FlushAsync(cancellationToken);
        await using var command = Statement.Once(connection, transaction, text, parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private ValueTask FlushAsync(CancellationToken cancellationToken) => buffer?.FlushAsync(cancellationToken) ?? ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        buffer?.Discard();
        foreach (var one in tables.Values)
        {
            one.Dispose();
        }

        keepLease.Dispose();
        advance.Dispose();
        park.Dispose();
        await connection.DisposeAsync();
    }
}

/// <summary>A checkpoint was changed by another writer.</summary>
internal sealed class CheckpointMovedException(string projection)
    : Exception($"The checkpoint of {projection} was moved by another process.");
