using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace GrpcCqrs.Storage.Sqlite;

/// <summary>A connection that is rented from the pool until it is closed.</summary>
internal sealed class PooledReadConnection(ReadDataSource source) : DbConnection
{
    private PreparedConnection? rented;

    [AllowNull]
    public override string ConnectionString
    {
        get => source.ConnectionString;
        set => throw new NotSupportedException("A connection that reads has the connection string of its database.");
    }

    public override string Database => "main";

    public override string DataSource => new SqliteConnectionStringBuilder(source.ConnectionString).DataSource;

    public override string ServerVersion => SQLitePCL.raw.sqlite3_libversion().utf8_to_string();

    public override ConnectionState State => rented is null ? ConnectionState.Closed : ConnectionState.Open;

    public override void Open() => rented ??= source.Rent();

    public override void Close()
    {
        if (Interlocked.Exchange(ref rented, null) is { } returned)
        {
            source.Return(returned);
        }
    }

    public override void ChangeDatabase(string databaseName) => throw new NotSupportedException("A file is one database.");

    protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel) =>
        throw new NotSupportedException("A pooled connection reads one statement at a time.");

    protected override DbCommand CreateDbCommand() =>
        new ReadCommand(rented ?? throw new InvalidOperationException("The connection is closed."));

    protected override void Dispose(bool disposing)
    {
        Close();
        base.Dispose(disposing);
    }
}

/// <summary>Runs as the connection's prepared command with the same text.</summary>
internal sealed class ReadCommand(PreparedConnection connection) : SqliteCommand
{
    private const int Interrupted = 9;

    private SqliteCommand? prepared;

    /// <inheritdoc/>
    public override SqliteDataReader ExecuteReader(CommandBehavior behavior) => Run(behavior, CancellationToken.None);

    /// <summary>Cancellation ends the query even in the middle of a step.</summary>
    /// <exception cref="OperationCanceledException">
    /// The query was cancelled before it returned its first row.
    /// </exception>
    public override Task<SqliteDataReader> ExecuteReaderAsync(CommandBehavior behavior, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return Task.FromResult(Run(behavior, cancellationToken));
        }
        catch (SqliteException exception) when (exception.SqliteErrorCode == Interrupted && cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(exception.Message, exception, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override async Task<object?> ExecuteScalarAsync(CancellationToken cancellationToken)
    {
        await using var reader = await ExecuteReaderAsync(CommandBehavior.Default, cancellationToken);
        return reader.Read() ? reader.GetValue(0) : null;
    }

    /// <inheritdoc/>
    public override object? ExecuteScalar()
    {
        using var reader = ExecuteReader(CommandBehavior.Default);
        return reader.Read() ? reader.GetValue(0) : null;
    }

    /// <inheritdoc/>
    public override int ExecuteNonQuery() => throw new NotSupportedException("This connection is for reading.");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (prepared is not null)
        {
            connection.Return(prepared);
            prepared = null;
        }

        base.Dispose(disposing);
    }

    private SqliteDataReader Run(CommandBehavior behavior, CancellationToken cancellationToken)
    {
        prepared ??= connection.Rent(CommandText);
        prepared.Parameters.Clear();
        foreach (SqliteParameter parameter in Parameters)
        {
            prepared.Parameters.Add(parameter);
        }

        connection.Cancellation = cancellationToken;
        return prepared.ExecuteReader(behavior);
    }
}
