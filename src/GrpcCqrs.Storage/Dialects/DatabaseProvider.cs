using System.Data.Common;
using GrpcCqrs.EventSourcing;
using Microsoft.EntityFrameworkCore;

namespace GrpcCqrs.Storage;

/// <summary>
/// Everything that differs between databases, one class a database. Statement texts that are standard are given here; a database
/// overrides only those that it must.
/// </summary>
public abstract partial class DatabaseProvider
{
    /// <summary>The name in the configuration, such as <c>Sqlite</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The connection string of a database for which none is configured.</summary>
    /// <param name="directory">The folder of embedded databases, an absolute path that exists.</param>
    /// <param name="database"><c>write</c> or <c>read</c>.</param>
    /// <exception cref="InvalidOperationException">This provider needs a configured connection string.</exception>
    public abstract string DefaultConnectionString(string directory, string database);

    /// <summary>Whether two connection strings lead to the same database.</summary>
    public virtual bool IsSameDatabase(string connectionString, string other) =>
        string.Equals(connectionString, other, StringComparison.OrdinalIgnoreCase);

    /// <summary>A closed connection. Opening and closing it must be cheap: the driver pools.</summary>
    public abstract DbConnection CreateConnection(string connectionString);

    /// <summary>
    /// Connections that queries read through, many at once, on one kept source: the place to keep statements prepared where the driver
    /// does not. The default opens the driver's own.
    /// </summary>
    public virtual DbDataSource CreateReaders(string connectionString) => new DriverReaders(this, connectionString);

    /// <summary>Tells EF Core to use this database.</summary>
    public abstract void Configure(DbContextOptionsBuilder options, string connectionString);

    /// <summary>Refuses to start where this process lacks something that the driver needs.</summary>
    /// <exception cref="InvalidOperationException">It says what is missing.</exception>
    public virtual void ThrowIfUnusable()
    {
    }

    /// <summary>
    /// Whether one connection writes at a time and another has to try until it may, so that the writers of a process do better to take
    /// turns.
    /// </summary>
    public virtual bool HasOneWriter => false;

    /// <summary>Sets up the connection that the append queue keeps for itself: durability settings, above all.</summary>
    public virtual Task PrepareWriterAsync(DbConnection connection, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Clears away what a start that was killed may have left in the way of a migration. Called while no other process of the same
    /// data directory is starting.
    /// </summary>
    public virtual Task PrepareMigrationAsync(string connectionString, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>A connection string that reads, and neither creates nor changes anything.</summary>
    public virtual string ReadOnly(string connectionString) => connectionString;

    /// <summary>Sets up a connection that projections write through. Called each time one is taken from the pool.</summary>
    /// <param name="connection">The connection, open.</param>
    /// <param name="leaseDuration">
    /// How long the projecting process may stay silent. One that stops in the middle of a transaction holds its locks; a database that
    /// can end such a transaction is to do so after about this time, so that another process can take over.
    /// </param>
    /// <param name="cancellationToken">Ends the work.</param>
    public virtual Task PrepareProjectorAsync(DbConnection connection, TimeSpan leaseDuration, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Sets up a connection that consumer groups write through; called each time one is taken from the pool. What a power failure
    /// takes from these writes is delivered again.
    /// </summary>
    public virtual Task PrepareGroupWriterAsync(DbConnection connection, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>How the append queue writes to this database.</summary>
    public abstract AppendSession CreateAppendSession(DbConnection connection);

    /// <summary>
    /// A statement that runs for many rows without ADO.NET; null, the default, for none. It belongs to whoever asked for it.
    /// </summary>
    /// <param name="connection">The connection, open as long as the statement is used.</param>
    /// <param name="text">The statement, which returns no rows.</param>
    /// <param name="names">Its parameters in the order in which values come, without the marker.</param>
    public virtual IRowStatement? PrepareRows(DbConnection connection, string text, IReadOnlyList<string> names) => null;

    /// <summary>
    /// Whether what projections write is gathered and sent together, since a round trip costs; false, the default, to send each
    /// statement at once.
    /// </summary>
    public virtual bool GathersWrites => false;

    /// <summary>
    /// One statement that changes several rows; null, the default, for none, so that a statement a row is sent. Asked for where writes
    /// are gathered.
    /// </summary>
    /// <param name="change">What is done to each row.</param>
    /// <param name="table">The table, as the database knows it.</param>
    /// <param name="rows">The values of each, with different keys; one row at least.</param>
    public virtual DbBatchCommand? ChangeRows(RowChange change, string table, IReadOnlyList<object?[]> rows) => null;

    /// <summary>
    /// Whether the database itself tells of commits, so that <see cref="ListenAsync"/> can be called. Where not, the newest position is
    /// asked for again and again.
    /// </summary>
    public virtual bool HasNotifications => false;

    /// <summary>
    /// Listens on a connection of its own for the commits of appends, whichever process makes them, until it is cancelled or the
    /// connection is lost. A commit between two calls is not lost: each call begins with the newest position.
    /// </summary>
    /// <param name="connectionString">The write database.</param>
    /// <param name="onCommit">
    /// Gets the newest position once listening has begun, and then the newest position of each commit; <see cref="long.MaxValue"/>
    /// where the database told of a commit and not of its position. Must neither block nor throw.
    /// </param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DbException">The database cannot be reached any longer, or refuses.</exception>
    /// <exception cref="NotSupportedException">The database has no notifications.</exception>
    public virtual Task ListenAsync(string connectionString, Action<long> onCommit, CancellationToken cancellationToken) =>
        throw new NotSupportedException($"{Name} does not tell of commits.");

    /// <summary>Whether the same transaction may succeed when it is tried again.</summary>
    public abstract bool IsTransient(DbException exception);

    /// <summary>
    /// Whether the exception speaks of the data (a constraint, a value that does not fit) and not of the database, so that one
    /// append of a batch is at fault and not its neighbours.
    /// </summary>
    public abstract bool IsDataError(DbException exception);

    /// <summary>Locks the sequencer row until the transaction ends, and returns position, time and hash.</summary>
    public virtual string LockSequencer => "UPDATE sequencer SET position = position WHERE id = 1 RETURNING position, time_us, hash";

    /// <summary>A select with an ORDER BY, cut after the first <c>@count</c> rows.</summary>
    public virtual string FirstRows(string orderedSelect) => $"{orderedSelect} LIMIT @count";

    /// <summary>A condition that a text column holds exactly the parameter's text, spaces at its end included.</summary>
    /// <param name="column">The column.</param>
    /// <param name="parameter">The parameter with its marker.</param>
    public virtual string IsSameText(string column, string parameter) => $"{column} = {parameter}";

    /// <summary>
    /// Begins a transaction that sees one state of the database however long it reads, and holds up no writer.
    /// </summary>
    public virtual async Task<DbTransaction> BeginSnapshotAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
    }

    /// <summary>An insert that returns the number that the database gave the row.</summary>
    /// <param name="table">The table.</param>
    /// <param name="id">The column of the number.</param>
    /// <param name="columns">The other columns, separated by commas.</param>
    /// <param name="values">Their values, likewise.</param>
    public virtual string InsertReturningId(string table, string id, string columns, string values) =>
        $"INSERT INTO {table} ({columns}) VALUES ({values}) RETURNING {id}";

    /// <summary>A row where there is a table of a name.</summary>
    public virtual string SelectTable => "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = @name";

}

/// <summary>A prepared statement that is run a row of parameters at a time.</summary>
public interface IRowStatement : IDisposable
{
    /// <summary>Runs the statement once for each row, in the connection's open transaction.</summary>
    /// <returns>How many it ran: fewer than there are where the next has a value of a type that it does not know.</returns>
    /// <exception cref="DbException">The database refuses a row.</exception>
    int Run(IReadOnlyList<object?[]> rows);
}
