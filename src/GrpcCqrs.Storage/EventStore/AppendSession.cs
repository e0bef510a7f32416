using System.Data;
using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>
/// The append queue's operations on one database, on its own connection: lock, look up, write, commit. Databases differ
/// in how they write many rows: an embedded one runs a prepared statement for each row, a server takes each kind of row
/// as one set.
/// </summary>
internal abstract class AppendSession(DbConnection connection, DatabaseProvider provider) : IAsyncDisposable
{
    private readonly Dictionary<string, Statement> statements = new(StringComparer.Ordinal);

    /// <summary>
    /// The most commands that one transaction removes, so that retention never delays appends for long.
    /// </summary>
    public const int MaxDeletedCommands = 500;

    /// <summary>The connection.</summary>
    public DbConnection Connection { get; } = connection;

    /// <summary>The database's dialect.</summary>
    protected DatabaseProvider Provider { get; } = provider;

    /// <summary>
    /// Begins a transaction in which each statement sees everything committed before it; under the sequencer's lock,
    /// that is everything. The isolation level is set explicitly, since the database's default could be snapshot, under
    /// which a look-up could be stale. A database without this level uses the next stronger one.
    /// </summary>
    public virtual async Task<DbTransaction> BeginAsync(CancellationToken cancellationToken) =>
        await Connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);

    /// <summary>Commits. If this fails, it is unknown whether the transaction was committed.</summary>
    public virtual Task CommitAsync(DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        return transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Whether the log has an event with this position and hash.</summary>
    public async Task<bool> HoldsAsync(LogHead head, DbTransaction transaction, CancellationToken cancellationToken) =>
        await With(transaction, AppendSql.SelectHash, ("position", head.Position)).ExecuteScalarAsync(cancellationToken) is byte[] hash
        && hash.AsSpan().SequenceEqual(head.Hash);

    /// <summary>Locks the sequencer row until the transaction ends, and returns its values.</summary>
    /// <exception cref="InvalidOperationException">The row is missing.</exception>
    public virtual async Task<LogHead> LockAsync(DbTransaction transaction, CancellationToken cancellationToken)
    {
        await using var reader = await With(transaction, Provider.LockSequencer).ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? ReadHead(reader) : throw NoSequencer();
    }

    /// <summary>
    /// Locks the sequencer row, then looks up the keys. Overridden for databases that can do both in one round trip.
    /// </summary>
    /// <exception cref="InvalidOperationException">The row is missing.</exception>
    public virtual async Task<(LogHead Head, AppendLookups Lookups)> LockAndLoadAsync(AppendLookupKeys keys, DbTransaction transaction, CancellationToken cancellationToken)
    {
        var head = await LockAsync(transaction, cancellationToken);
        return (head, await LoadAsync(keys, transaction, cancellationToken));
    }

    /// <summary>Looks up the keys.</summary>
    public abstract Task<AppendLookups> LoadAsync(AppendLookupKeys keys, DbTransaction transaction, CancellationToken cancellationToken);

    /// <summary>
    /// Writes all rows. If round trips are expensive, an override may defer this to <see cref="CommitAsync"/>.
    /// </summary>
    public abstract Task WriteAsync(AppendRows rows, DbTransaction transaction, CancellationToken cancellationToken);

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        foreach (var statement in statements.Values)
        {
            statement.Dispose();
        }

        statements.Clear();
        await Connection.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Reads a row of <see cref="DatabaseProvider.LockSequencer"/>'s columns.</summary>
    protected static LogHead ReadHead(DbDataReader row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return new LogHead(row.GetInt64(0), row.GetInt64(1), row.GetFieldValue<byte[]>(2));
    }

    /// <summary>The exception for a missing sequencer row.</summary>
    protected static InvalidOperationException NoSequencer() =>
        new("The sequencer row is missing: the write database is not initialised or was damaged.");

    /// <summary>Reads a row of <see cref="AppendSql.SelectCommand"/>'s columns.</summary>
    protected static CommandRecord ReadCommand(DbDataReader row) => CommandRows.Read(row);

    /// <summary>
    /// A prepared statement with its parameters set. Created on first use and kept with the connection.
    /// </summary>
    protected DbCommand With(DbTransaction transaction, string text, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        if (!statements.TryGetValue(text, out var statement))
        {
            statements.Add(text, statement = new Statement(Connection, text, parameters));
        }

        return statement.With(transaction, parameters);
    }
}
