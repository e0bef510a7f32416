using System.Data.Common;
using Microsoft.EntityFrameworkCore;

namespace GrpcCqrs.Storage.Databases;

/// <summary>
/// Everything that differs between databases, one class for each database. Standard statements are defined here; a
/// database overrides only those that differ. What only some databases can do is an interface of its own:
/// <see cref="IRowStatements"/>, <see cref="IWriteGathering"/>, and those of the event store.
/// </summary>
public abstract partial class DatabaseProvider
{
    /// <summary>The name in the configuration, such as <c>Sqlite</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The default connection string, if none is configured.</summary>
    /// <param name="directory">The folder of embedded databases: an existing absolute path.</param>
    /// <param name="database"><c>write</c> or <c>read</c>.</param>
    /// <exception cref="InvalidOperationException">This provider needs a configured connection string.</exception>
    public abstract string DefaultConnectionString(string directory, string database);

    /// <summary>Whether two connection strings refer to the same database.</summary>
    public virtual bool IsSameDatabase(string connectionString, string other) =>
        string.Equals(connectionString, other, StringComparison.OrdinalIgnoreCase);

    /// <summary>Creates a closed connection. Opening and closing it must be cheap: the driver pools.</summary>
    public abstract DbConnection CreateConnection(string connectionString);

    /// <summary>
    /// Creates the long-lived data source of the connections that queries read through, many at once. An override can
    /// keep statements prepared where the driver does not. The default opens the driver's own connections.
    /// </summary>
    public virtual DbDataSource CreateReaders(string connectionString) => new DriverReaders(this, connectionString);

    /// <summary>Configures EF Core for this database.</summary>
    public abstract void Configure(DbContextOptionsBuilder options, string connectionString);

    /// <summary>Throws at start-up if this process lacks something that the driver needs.</summary>
    /// <exception cref="InvalidOperationException">The message names what is missing.</exception>
    public virtual void ThrowIfUnusable()
    {
    }

    /// <summary>
    /// Whether only one connection can write at a time while others retry, so a process should serialise its writers.
    /// </summary>
    public virtual bool HasOneWriter => false;

    /// <summary>
    /// Removes what a killed start may have left behind that would block a migration. Called while no other process
    /// with the same data directory is starting.
    /// </summary>
    public virtual Task PrepareMigrationAsync(string connectionString, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>A connection string for reading, which neither creates nor changes anything.</summary>
    public virtual string ReadOnly(string connectionString) => connectionString;

    /// <summary>
    /// Sets up a connection that the engine writes through, above all its durability. Called each time one is opened or
    /// taken from the pool.
    /// </summary>
    /// <param name="connection">The open connection.</param>
    /// <param name="use">What is written.</param>
    /// <param name="idleLimit">
    /// How long a transaction may do nothing. A process that hangs in the middle of one keeps its locks; a database that
    /// can end such a transaction should do so after about this time, so that another process can take over.
    /// </param>
    /// <param name="cancellationToken">Cancels the work.</param>
    public virtual Task PrepareAsync(DbConnection connection, ConnectionUse use, TimeSpan idleLimit, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Whether the same transaction may succeed if it is retried.</summary>
    public abstract bool IsTransient(DbException exception);

    /// <summary>
    /// Whether the error is caused by the data (a constraint, a value that does not fit) and not by the database, so
    /// that one append of a batch is at fault and the others are not.
    /// </summary>
    public abstract bool IsDataError(DbException exception);

    /// <summary>Locks the sequencer row until the transaction ends, and returns position, time and hash.</summary>
    public virtual string LockSequencer => "UPDATE sequencer SET position = position WHERE id = 1 RETURNING position, time_us, hash";

    /// <summary>Limits a select with an ORDER BY to its first <c>@count</c> rows.</summary>
    public virtual string FirstRows(string orderedSelect) => $"{orderedSelect} LIMIT @count";

    /// <summary>A condition that a text column equals the parameter exactly, including trailing spaces.</summary>
    /// <param name="column">The column.</param>
    /// <param name="parameter">The parameter with its marker.</param>
    public virtual string IsSameText(string column, string parameter) => $"{column} = {parameter}";

    /// <summary>
    /// Begins a transaction that reads a consistent snapshot, however long it takes, without blocking writers.
    /// </summary>
    public virtual async Task<DbTransaction> BeginSnapshotAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
    }

    /// <summary>An insert that returns the generated number of the row.</summary>
    /// <param name="table">The table.</param>
    /// <param name="id">The column of the number.</param>
    /// <param name="columns">The other columns, separated by commas.</param>
    /// <param name="values">Their values, separated by commas.</param>
    public virtual string InsertReturningId(string table, string id, string columns, string values) =>
        $"INSERT INTO {table} ({columns}) VALUES ({values}) RETURNING {id}";

    /// <summary>Selects one row if the table <c>@name</c> exists.</summary>
    public virtual string SelectTable => "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = @name";

}
