using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace GrpcCqrs.Storage.Sqlite;

/// <summary>A rented connection, until it is closed.</summary>
internal sealed class SqliteReader(SqliteReaders readers) : DbConnection
{
    private PreparedConnection? rented;
    private SqliteTransaction? transaction;

    [AllowNull]
    public override string ConnectionString
    {
        get => readers.ConnectionString;
        set => throw new NotSupportedException("A connection that reads has the connection string of its database.");
    }

    public override string Database => Rented.Driver.Database;

    public override string DataSource => Rented.Driver.DataSource;

    public override string ServerVersion => Rented.Driver.ServerVersion;

    public override ConnectionState State => rented is null ? ConnectionState.Closed : ConnectionState.Open;

    private PreparedConnection Rented => rented ?? throw new InvalidOperationException("The connection is closed.");

    public override void Open() => rented ??= readers.Rent();

    public override Task OpenAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Open();
        return Task.CompletedTask;
    }

    public override void Close()
    {
        if (Interlocked.Exchange(ref rented, null) is { } returned)
        {
            try
            {
                transaction?.Dispose();
            }
            catch
            {
                returned.Dispose();
                throw;
            }

            readers.Return(returned);
        }
    }

    public override void ChangeDatabase(string databaseName) => throw new NotSupportedException("A file is one database.");

    // Deferred: the write-ahead log gives a reader a snapshot, and it takes no lock.
    protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel) =>
        transaction = Rented.Driver.BeginTransaction(isolationLevel, deferred: true);

    protected override DbCommand CreateDbCommand() => new SqliteReaderCommand(Rented);

    protected override void Dispose(bool disposing)
    {
        Close();
        base.Dispose(disposing);
    }
}

/// <summary>A command that reads. A caller that gives up ends it also in the middle of a step.</summary>
internal sealed class SqliteReaderCommand(PreparedConnection connection) : DbCommand
{
    private readonly SqliteCommand parameters = new();

    [AllowNull]
    public override string CommandText { get; set; } = "";

    /// <summary>SQLite has no time limit; who waits gives up by cancelling.</summary>
    public override int CommandTimeout { get; set; }

    public override CommandType CommandType { get; set; } = CommandType.Text;

    public override bool DesignTimeVisible { get; set; }

    public override UpdateRowSource UpdatedRowSource { get; set; }

    protected override DbConnection? DbConnection
    {
        get => connection.Driver;
        set => throw new NotSupportedException("The command belongs to the connection that made it.");
    }

    protected override DbParameterCollection DbParameterCollection => parameters.Parameters;

    // Whatever runs on a connection is in its transaction.
    protected override DbTransaction? DbTransaction { get; set; }

    public override void Cancel()
    {
    }

    public override int ExecuteNonQuery() => throw new NotSupportedException("This connection is for reading.");

    public override object? ExecuteScalar()
    {
        using var results = ExecuteReader();
        return results.Read() ? results.GetValue(0) : null;
    }

    public override void Prepare()
    {
    }

    protected override DbParameter CreateDbParameter() => new SqliteParameter();

    protected override DbDataReader ExecuteDbDataReader(CommandBehavior behavior) => Run(CancellationToken.None);

    protected override Task<DbDataReader> ExecuteDbDataReaderAsync(CommandBehavior behavior, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult<DbDataReader>(Run(cancellationToken));
    }

    protected override void Dispose(bool disposing)
    {
        parameters.Dispose();
        base.Dispose(disposing);
    }

    private SqliteResults Run(CancellationToken cancellationToken)
    {
        var query = connection.Rent(CommandText);
        try
        {
            query.Bind(parameters.Parameters);
            return new SqliteResults(connection, query, cancellationToken);
        }
        catch
        {
            connection.Return(query);
            throw;
        }
    }
}
