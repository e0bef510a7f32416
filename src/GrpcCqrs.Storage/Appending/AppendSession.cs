using System.Data;
using System.Data.Common;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>
/// What the append queue does on one database, on a connection of its own: lock, look up, write, commit. Each database has its own way
/// with many rows: an embedded one runs a prepared statement for each, a server takes each kind of row as one set.
/// </summary>
public abstract class AppendSession(DbConnection connection, DatabaseProvider provider) : IAsyncDisposable
{
    private readonly Dictionary<string, Statement> statements = new(StringComparer.Ordinal);

    /// <summary>How many commands one transaction forgets at most, so that retention never holds up appends for long.</summary>
    public const int MaxDeletedCommands = 500;

    /// <summary>The connection.</summary>
    public DbConnection Connection { get; } = connection;

    /// <summary>The database's dialect.</summary>
    protected DatabaseProvider Provider { get; } = provider;

    /// <summary>
    /// Begins a transaction whose every statement sees what was committed before that statement: behind the sequencer's lock that is
    /// everything. So the level is said and not left to the database's default, under whose snapshot a look-up could be stale. A
    /// database without this level takes the next stronger one.
    /// </summary>
    public virtual async Task<DbTransaction> BeginAsync(CancellationToken cancellationToken) =>
        await Connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);

    /// <summary>Commits. Where this fails it is not known whether the transaction took place.</summary>
    public virtual Task CommitAsync(DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        return transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Whether the log holds an event: the one at this position with this hash.</summary>
    public async Task<bool> HoldsAsync(LogHead head, DbTransaction transaction, CancellationToken cancellationToken) =>
        await With(transaction, AppendSql.SelectHash, ("position", head.Position)).ExecuteScalarAsync(cancellationToken) is byte[] hash
        && hash.AsSpan().SequenceEqual(head.Hash);

    /// <summary>Locks the sequencer row until the transaction ends, and returns what it says.</summary>
    /// <exception cref="InvalidOperationException">The row is missing.</exception>
    public virtual async Task<LogHead> LockAsync(DbTransaction transaction, CancellationToken cancellationToken)
    {
        await using var reader = await With(transaction, Provider.LockSequencer).ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? ReadHead(reader) : throw NoSequencer();
    }

    /// <summary>Locks the sequencer row, and then looks up what the keys ask for. A database that can do both at once overrides it.</summary>
    /// <exception cref="InvalidOperationException">The row is missing.</exception>
    public virtual async Task<(LogHead Head, AppendLookups Lookups)> LockAndLoadAsync(AppendLookupKeys keys, DbTransaction transaction, CancellationToken cancellationToken)
    {
        var head = await LockAsync(transaction, cancellationToken);
        return (head, await LoadAsync(keys, transaction, cancellationToken));
    }

    /// <summary>Looks up what the keys ask for.</summary>
    public abstract Task<AppendLookups> LoadAsync(AppendLookupKeys keys, DbTransaction transaction, CancellationToken cancellationToken);

    /// <summary>Writes everything. A database to which a round trip is expensive may leave it to <see cref="CommitAsync"/>.</summary>
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

    /// <summary>A row of <see cref="DatabaseProvider.LockSequencer"/>'s columns.</summary>
    protected static LogHead ReadHead(DbDataReader row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return new LogHead(row.GetInt64(0), row.GetInt64(1), row.GetFieldValue<byte[]>(2));
    }

    /// <summary>What is said where there is no such row.</summary>
    protected static InvalidOperationException NoSequencer() =>
        new("The sequencer row is missing: the write database is not initialised or was damaged.");

    /// <summary>A row of <see cref="AppendSql.SelectCommand"/>'s columns.</summary>
    protected static CommandRecord ReadCommand(DbDataReader row) => CommandRows.Read(row);

    /// <summary>The prepared statement of a text with its parameters set. Made at its first use and kept with the connection.</summary>
    protected DbCommand With(DbTransaction transaction, string text, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        if (!statements.TryGetValue(text, out var statement))
        {
            statements.Add(text, statement = new Statement(Connection, text, parameters));
        }

        return statement.With(transaction, parameters);
    }
}
