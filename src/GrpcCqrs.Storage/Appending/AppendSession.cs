using System.Data;
using System.Data.Common;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>
/// The append queue's conversation with one database, on a connection of its own: lock, look up, write. This one sends a prepared
/// statement a row, which is what an embedded database likes best; a database server's overrides the look-ups and writes with one
/// statement a set.
/// </summary>
public class AppendSession(DbConnection connection, DatabaseProvider provider) : IAsyncDisposable
{
    private readonly Dictionary<string, Statement> statements = new(StringComparer.Ordinal);

    /// <summary>How many commands one transaction forgets at most, so that retention never holds up appends for long.</summary>
    public const int MaxForgottenCommands = 500;

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
        await With(transaction, Provider.SelectHash, ("position", head.Position)).ExecuteScalarAsync(cancellationToken) is byte[] hash
        && hash.AsSpan().SequenceEqual(head.Hash);

    /// <summary>Locks the sequencer row until the transaction ends, and returns what it says.</summary>
    /// <exception cref="InvalidOperationException">The row is missing.</exception>
    public virtual async Task<LogHead> LockAsync(DbTransaction transaction, CancellationToken cancellationToken)
    {
        await using var reader = await With(transaction, Provider.LockSequencer).ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? ReadHead(reader) : throw NoSequencer();
    }

    /// <summary>Locks the sequencer row, and then looks up what the checks ask for. A database that can do both at once overrides it.</summary>
    /// <exception cref="InvalidOperationException">The row is missing.</exception>
    public virtual async Task<(LogHead Head, AppendFacts Facts)> LockAndLoadAsync(AppendChecks checks, DbTransaction transaction, CancellationToken cancellationToken)
    {
        var head = await LockAsync(transaction, cancellationToken);
        return (head, await LoadAsync(checks, transaction, cancellationToken));
    }

    /// <summary>Looks up what the checks ask for.</summary>
    public virtual async Task<AppendFacts> LoadAsync(AppendChecks checks, DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(checks);
        var facts = new AppendFacts();
        foreach (var commandId in checks.Commands)
        {
            await using var reader = await With(transaction, Provider.SelectCommand, ("command_id", commandId)).ExecuteReaderAsync(cancellationToken);
            if (await reader.ReadAsync(cancellationToken))
            {
                facts.Commands.Add(commandId, ReadCommand(reader));
            }
        }

        foreach (var stream in checks.Streams)
        {
            if (await With(transaction, Provider.SelectStreamVersion, ("stream", stream)).ExecuteScalarAsync(cancellationToken) is long version)
            {
                facts.Versions.Add(stream, version);
            }
        }

        foreach (var key in checks.Keys)
        {
            if (await With(transaction, Provider.SelectKeyHolder, ("scope", key.Scope), ("value", key.Value)).ExecuteScalarAsync(cancellationToken) is string holder)
            {
                facts.KeyHolders.Add(key, holder);
            }
        }

        return facts;
    }

    /// <summary>Writes everything; a database to which a round trip is dear may leave it to <see cref="CommitAsync"/>.</summary>
    public virtual async Task WriteAsync(AppendRows rows, DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rows);
        foreach (var row in rows.Events)
        {
            await RunAsync(
                Provider.InsertEvent,
                ("position", row.Position), ("stream", row.Stream), ("version", row.Version), ("event_id", row.EventId), ("type", row.Type),
                ("schema_version", row.SchemaVersion), ("payload", row.Payload), ("command_id", row.CommandId),
                ("correlation_id", row.CorrelationId), ("causation_id", row.CausationId), ("user_name", row.User),
                ("time_us", row.TimeMicroseconds), ("hash", row.Hash));
            await RunAsync(Provider.InsertOutbox, ("position", row.Position));
        }

        foreach (var row in rows.FreedKeys)
        {
            await RunAsync(Provider.DeleteKey, ("scope", row.Scope), ("value", row.Value), ("stream", row.Stream));
        }

        foreach (var row in rows.ClaimedKeys)
        {
            await RunAsync(Provider.InsertKey, ("scope", row.Scope), ("value", row.Value), ("stream", row.Stream));
        }

        foreach (var row in rows.Commands)
        {
            await RunAsync(
                Provider.InsertCommand,
                ("command_id", row.CommandId), ("request_hash", row.RequestHash), ("stream", row.Stream), ("version", row.Version),
                ("position", row.Position), ("reply", row.Reply), ("time_us", row.TimeMicroseconds));
        }

        foreach (var row in rows.Audit)
        {
            await RunAsync(
                Provider.InsertAudit,
                ("time_us", row.TimeMicroseconds), ("command_type", row.CommandType), ("command_id", row.CommandId), ("user_name", row.User),
                ("stream", row.Stream), ("outcome", row.Outcome), ("error_reason", row.ErrorReason),
                ("duration_us", row.DurationMicroseconds), ("position", row.Position));
        }

        foreach (var row in rows.Snapshots)
        {
            await RunAsync(Provider.DeleteSnapshot, ("stream", row.Stream));
            await RunAsync(
                Provider.InsertSnapshot,
                ("stream", row.Stream), ("version", row.Version), ("position", row.Position), ("schema_version", row.SchemaVersion),
                ("payload", row.Payload), ("time_us", row.TimeMicroseconds));
        }

        await WriteRestAsync(rows, transaction, cancellationToken);

        Task RunAsync(string text, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
            With(transaction, text, parameters).ExecuteNonQueryAsync(cancellationToken);
    }

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

    /// <summary>Writes what is one statement a transaction on every database: the trimming and the sequencer.</summary>
    protected async Task WriteRestAsync(AppendRows rows, DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.TrimOutboxTo > 0)
        {
            await With(transaction, Provider.TrimOutbox, ("position", rows.TrimOutboxTo)).ExecuteNonQueryAsync(cancellationToken);
        }

        if (rows.ForgetCommandsBefore > 0)
        {
            await With(transaction, Provider.ForgetCommands, ("before", rows.ForgetCommandsBefore), ("count", MaxForgottenCommands))
                .ExecuteNonQueryAsync(cancellationToken);
        }

        if (rows.NewHead is { } head)
        {
            await With(transaction, Provider.AdvanceSequencer, ("position", head.Position), ("time_us", head.TimeMicroseconds), ("hash", head.Hash))
                .ExecuteNonQueryAsync(cancellationToken);
        }
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

    /// <summary>A row of <see cref="DatabaseProvider.SelectCommand"/>'s columns.</summary>
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
