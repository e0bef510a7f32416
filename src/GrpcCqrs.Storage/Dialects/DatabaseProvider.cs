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

    /// <summary>The hash of an event.</summary>
    public virtual string SelectHash => "SELECT hash FROM events WHERE position = @position";

    /// <summary>Moves the sequencer on.</summary>
    public virtual string AdvanceSequencer => "UPDATE sequencer SET position = @position, time_us = @time_us, hash = @hash WHERE id = 1";

    /// <summary>The version of a stream; null where it does not exist.</summary>
    public virtual string SelectStreamVersion => "SELECT MAX(version) FROM events WHERE stream = @stream";

    /// <summary>A remembered command.</summary>
    public virtual string SelectCommand =>
        "SELECT command_id, request_hash, stream, version, position, reply FROM commands WHERE command_id = @command_id";

    /// <summary>The stream that holds a key.</summary>
    public virtual string SelectKeyHolder => "SELECT stream FROM unique_keys WHERE scope = @scope AND value = @value";

    /// <summary>Adds an event.</summary>
    public virtual string InsertEvent =>
        $"INSERT INTO events ({EventColumns}, hash) VALUES (@position, @stream, @version, @event_id, @type, @schema_version, @payload, @command_id, @correlation_id, @causation_id, @user_name, @time_us, @hash)";

    /// <summary>Adds the outbox row of a transaction.</summary>
    public virtual string InsertOutbox => "INSERT INTO outbox (last_position, first_position, time_us) VALUES (@last_position, @first_position, @time_us)";

    /// <summary>Remembers a command.</summary>
    public virtual string InsertCommand =>
        "INSERT INTO commands (command_id, request_hash, stream, version, position, reply, time_us) VALUES (@command_id, @request_hash, @stream, @version, @position, @reply, @time_us)";

    /// <summary>Claims a key.</summary>
    public virtual string InsertKey => "INSERT INTO unique_keys (scope, value, stream) VALUES (@scope, @value, @stream)";

    /// <summary>Frees a key.</summary>
    public virtual string DeleteKey => "DELETE FROM unique_keys WHERE scope = @scope AND value = @value AND stream = @stream";

    /// <summary>Adds an audit entry.</summary>
    public virtual string InsertAudit =>
        "INSERT INTO audit (time_us, command_type, command_id, user_name, stream, outcome, error_reason, duration_us, position) VALUES (@time_us, @command_type, @command_id, @user_name, @stream, @outcome, @error_reason, @duration_us, @position)";

    /// <summary>Removes a stream's snapshot.</summary>
    public virtual string DeleteSnapshot => "DELETE FROM snapshots WHERE stream = @stream";

    /// <summary>Adds a snapshot.</summary>
    public virtual string InsertSnapshot =>
        "INSERT INTO snapshots (stream, version, position, schema_version, payload, time_us) VALUES (@stream, @version, @position, @schema_version, @payload, @time_us)";

    /// <summary>A stream's snapshot in a schema version.</summary>
    public virtual string SelectSnapshot =>
        "SELECT version, position, payload FROM snapshots WHERE stream = @stream AND schema_version = @schema_version";

    /// <summary>Removes a bounded number of commands that were answered before a time.</summary>
    public virtual string DeleteCommands =>
        "DELETE FROM commands WHERE command_id IN (SELECT command_id FROM commands WHERE time_us < @before ORDER BY time_us LIMIT @count)";

    /// <summary>A stretch of the whole log with hashes, for verification.</summary>
    public virtual string SelectChain => $"SELECT {EventColumns}, hash FROM events WHERE position > @after ORDER BY position LIMIT @count";

    /// <summary>A select with an ORDER BY, cut after the first <c>@count</c> rows.</summary>
    public virtual string FirstRows(string orderedSelect) => $"{orderedSelect} LIMIT @count";

    /// <summary>A condition that a text column holds exactly the parameter's text, spaces at its end included.</summary>
    /// <param name="column">The column.</param>
    /// <param name="parameter">The parameter with its marker.</param>
    public virtual string IsSameText(string column, string parameter) => $"{column} = {parameter}";

    /// <summary>The end of the log.</summary>
    public virtual string SelectSequencer => "SELECT position, time_us, hash FROM sequencer WHERE id = 1";

    /// <summary>Removes the outbox rows that every projection has seen.</summary>
    public virtual string TrimOutbox => "DELETE FROM outbox WHERE last_position <= @position";

    /// <summary>A stretch of one stream.</summary>
    public virtual string SelectStream =>
        $"SELECT {EventColumns} FROM events WHERE stream = @stream AND version >= @from ORDER BY version LIMIT @count";

    /// <summary>A stretch of one stream from a position on; within a stream versions and positions grow together.</summary>
    public virtual string SelectStreamAfter =>
        FirstRows($"SELECT {EventColumns} FROM events WHERE stream = @stream AND position > @after ORDER BY version");

    /// <summary>A stretch of the whole log.</summary>
    public virtual string SelectAll => $"SELECT {EventColumns} FROM events WHERE position > @after ORDER BY position LIMIT @count";

    /// <summary>
    /// The events after a position, where the outbox still covers the next one. Positions have no gaps, so all later events are in the
    /// outbox then too.
    /// </summary>
    public virtual string SelectOutbox => FirstRows(
        $"SELECT {EventColumns} FROM events WHERE position > @after AND EXISTS (SELECT 1 FROM outbox WHERE last_position > @after AND first_position <= @after + 1) ORDER BY position");

    /// <summary>The newest position.</summary>
    public virtual string SelectHead => "SELECT position FROM sequencer WHERE id = 1";

    /// <summary>The checkpoints of a read database.</summary>
    public virtual string SelectCheckpoints =>
        "SELECT name, generation, state, version, position, store_id, state_us, target, holds_on_difference, note FROM projections";

    /// <summary>Adds a checkpoint.</summary>
    public virtual string InsertCheckpoint =>
        "INSERT INTO projections (name, generation, state, version, position, time_us, store_id, state_us, target, holds_on_difference) VALUES (@name, @generation, @state, @version, 0, @time_us, @store_id, @time_us, @target, @holds_on_difference)";

    /// <summary>Removes a checkpoint.</summary>
    public virtual string DeleteCheckpoint => "DELETE FROM projections WHERE name = @name AND generation = @generation";

    /// <summary>Moves a checkpoint, if nobody else has.</summary>
    public virtual string AdvanceCheckpoint =>
        "UPDATE projections SET position = @position, time_us = @time_us WHERE name = @name AND generation = @generation AND position = @expected";

    /// <summary>Changes what a generation is for.</summary>
    public virtual string SetGenerationState =>
        "UPDATE projections SET state = @state, state_us = @time_us, note = @note WHERE name = @name AND generation = @generation";

    /// <summary>The projector's lease.</summary>
    public virtual string SelectLease => "SELECT holder, fencing_token, beat FROM projector_lease WHERE id = 1";

    /// <summary>Takes the lease over, if nothing has stirred since it was read.</summary>
    public virtual string TakeLease =>
        "UPDATE projector_lease SET holder = @holder, fencing_token = fencing_token + 1, beat = beat + 1 WHERE id = 1 AND fencing_token = @fencing_token AND beat = @beat";

    /// <summary>Shows that its holder lives, and locks the row until the transaction ends.</summary>
    public virtual string KeepLease => "UPDATE projector_lease SET beat = beat + 1 WHERE id = 1 AND fencing_token = @fencing_token";

    /// <summary>Locks the lease's row until the transaction ends, whoever holds the lease.</summary>
    public virtual string LockLease => "UPDATE projector_lease SET beat = beat WHERE id = 1";

    /// <summary>Gives the lease back.</summary>
    public virtual string FreeLease => "UPDATE projector_lease SET holder = '' WHERE id = 1 AND fencing_token = @fencing_token";

    /// <summary>Parks an event.</summary>
    public virtual string InsertParked =>
        "INSERT INTO parked_events (projection, generation, position, stream, event_type, error, attempts, time_us) VALUES (@projection, @generation, @position, @stream, @event_type, @error, @attempts, @time_us)";

    /// <summary>Notes that a parked event failed once more.</summary>
    public virtual string UpdateParked =>
        "UPDATE parked_events SET error = @error, attempts = attempts + 1, time_us = @time_us WHERE projection = @projection AND generation = @generation AND position = @position";

    /// <summary>Removes a parked event.</summary>
    public virtual string DeleteParked => "DELETE FROM parked_events WHERE projection = @projection AND generation = @generation AND position = @position";

    /// <summary>Removes the parked events of a generation.</summary>
    public virtual string DeleteAllParked => "DELETE FROM parked_events WHERE projection = @projection AND generation = @generation";

    /// <summary>The first parked event of each stream.</summary>
    public virtual string SelectParkedStreams =>
        "SELECT projection, generation, stream, MIN(position), COUNT(*) FROM parked_events GROUP BY projection, generation, stream";

    /// <summary>The parked events of a stream in a generation.</summary>
    public virtual string SelectParkedOfStream =>
        "SELECT position, event_type, error FROM parked_events WHERE projection = @projection AND generation = @generation AND stream = @stream ORDER BY position";

    /// <summary>Parked events of the live generations, for operators.</summary>
    public virtual string SelectParked => FirstRows(
        "SELECT e.projection, e.position, e.stream, e.event_type, e.error, e.attempts, e.time_us FROM parked_events e"
        + " JOIN projections p ON p.name = e.projection AND p.generation = e.generation"
        + " WHERE p.state = 1 AND (@projection = '' OR e.projection = @projection) AND (e.position > @after OR (e.position = @after AND e.projection > @after_projection)) ORDER BY e.position, e.projection");

    /// <summary>Records that an event is left out.</summary>
    public virtual string InsertSkipped =>
        "INSERT INTO skipped_events (projection, version, position, stream, event_type, error, user_name, time_us) VALUES (@projection, @version, @position, @stream, @event_type, @error, @user_name, @time_us)";

    /// <summary>The events that are left out.</summary>
    public virtual string SelectSkipped =>
        "SELECT projection, version, position, stream, event_type, error, user_name, time_us FROM skipped_events ORDER BY position, projection";

    /// <summary>Adds what an operator asks for.</summary>
    public virtual string InsertRequest =>
        "INSERT INTO operator_requests (kind, arguments, user_name, time_us, state, done_us) VALUES (@kind, @arguments, @user_name, @time_us, 0, 0) RETURNING id";

    /// <summary>What operators have asked for and nobody has finished.</summary>
    public virtual string SelectOpenRequests => "SELECT id, kind, arguments, user_name, progress FROM operator_requests WHERE state = 0 ORDER BY id";

    /// <summary>One request.</summary>
    public virtual string SelectRequest =>
        "SELECT id, kind, arguments, user_name, time_us, state, progress, result, done_us FROM operator_requests WHERE id = @id";

    /// <summary>The newest requests.</summary>
    public virtual string SelectRequests => FirstRows(
        "SELECT id, kind, arguments, user_name, time_us, state, progress, result, done_us FROM operator_requests WHERE id < @before ORDER BY id DESC");

    /// <summary>Notes how far a request has come.</summary>
    public virtual string UpdateRequest => "UPDATE operator_requests SET progress = @progress WHERE id = @id";

    /// <summary>Ends a request.</summary>
    public virtual string FinishRequest => "UPDATE operator_requests SET state = @state, result = @result, done_us = @time_us WHERE id = @id";

    /// <summary>Some streams' names, in order; up to the last one given, where one is.</summary>
    public virtual string SelectStreams => FirstRows(
        "SELECT DISTINCT stream FROM events WHERE stream > @after AND (@last = '' OR stream <= @last) ORDER BY stream");

    /// <summary>
    /// Begins a transaction that sees one state of the database however long it reads, and holds up no writer.
    /// </summary>
    public virtual async Task<DbTransaction> BeginSnapshotAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
    }

    /// <summary>A row where there is a table of a name.</summary>
    public virtual string SelectTable => "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = @name";

    /// <summary>The columns of an event, in the order in which <c>EventReader</c> reads them.</summary>
    protected const string EventColumns =
        "position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us";
}

/// <summary>A prepared statement that is run a row of parameters at a time.</summary>
public interface IRowStatement : IDisposable
{
    /// <summary>Runs the statement once for each row, in the connection's open transaction.</summary>
    /// <returns>How many it ran: fewer than there are where the next has a value of a type that it does not know.</returns>
    /// <exception cref="DbException">The database refuses a row.</exception>
    int Run(IReadOnlyList<object?[]> rows);
}
