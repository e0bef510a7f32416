using System.Data.Common;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace GrpcCqrs.Storage.Sqlite;

/// <summary>
/// SQLite files in write-ahead-log mode, so that readers and the single writer do not block each other. The write
/// database flushes at every commit (<c>synchronous=FULL</c>). The read database need not: what it loses in a power
/// failure is folded again from the events.
/// </summary>
public sealed class SqliteProvider : DatabaseProvider, IAppendSessionFactory, IRowStatements
{
    // Primary result codes of the SQLite C API.
    private const int Busy = 5;
    private const int Locked = 6;
    private const int TooBig = 18;
    private const int Constraint = 19;
    private const int Mismatch = 20;

    // SQLite then waits for another process's transaction in steps of milliseconds; without it, the driver retries
    // every 150 ms.
    private const string WaitForWriters = "PRAGMA busy_timeout = 1000; ";

    // 32 MiB, for the one connection that writes a file.
    private const string WriterCache = "PRAGMA cache_size = -32768; ";

    // A commit that triggers a checkpoint copies the log into the database, which blocks callers for tens of
    // milliseconds. The write database flushes its log at each commit, so it may grow to 128 MiB instead of 4: a busy
    // log contains many pages more than once, and a checkpoint copies each only once. The read database flushes its log
    // only before a checkpoint, and the larger the log, the longer the append writer's flushes wait for the disk. So it
    // is copied every 4 MiB, SQLite's default.
    private const string RareCheckpoints = "PRAGMA wal_autocheckpoint = 32000; ";

    /// <inheritdoc/>
    public override string Name => "Sqlite";

    /// <inheritdoc/>
    public override bool HasOneWriter => true;

    /// <inheritdoc/>
    public override string SelectTable => "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = @name";

    /// <inheritdoc/>
    public override string DefaultConnectionString(string directory, string database) =>
        new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, database + ".db") }.ToString();

    /// <inheritdoc/>
    public override bool IsSameDatabase(string connectionString, string other) =>
        string.Equals(FileOf(connectionString), FileOf(other), StringComparison.Ordinal);

    /// <inheritdoc/>
    public override DbConnection CreateConnection(string connectionString) => new SqliteConnection(connectionString);

    /// <inheritdoc/>
    public override DbDataSource CreateReaders(string connectionString) => new ReadDataSource(connectionString);

    /// <inheritdoc/>
    public override void Configure(DbContextOptionsBuilder options, string connectionString) => options.UseSqlite(connectionString);

    /// <inheritdoc/>
    public override async Task PrepareMigrationAsync(string connectionString, CancellationToken cancellationToken)
    {
        if (!File.Exists(FileOf(connectionString)))
        {
            return;
        }

        // EF Core's migration lock is a row. A killed process leaves it behind, and every later start would wait for
        // it.
        await using var connection = CreateConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT COUNT(*) FROM sqlite_master WHERE name = '__EFMigrationsLock'";
        if ((long)(await command.ExecuteScalarAsync(cancellationToken))! > 0)
        {
            await ExecuteAsync(connection, "DELETE FROM __EFMigrationsLock", cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override string ReadOnly(string connectionString) =>
        new SqliteConnectionStringBuilder(connectionString) { Mode = SqliteOpenMode.ReadOnly }.ToString();

    /// <summary>
    /// Only appends are flushed at each commit. The next append flushes the same log for the others, which keeps the
    /// append writer's wait for them short.
    /// </summary>
    public override Task PrepareAsync(DbConnection connection, ConnectionUse use, TimeSpan idleLimit, CancellationToken cancellationToken) =>
        PrepareAsync(
            connection,
            use switch
            {
                ConnectionUse.Appends => "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; " + WriterCache + RareCheckpoints,
                ConnectionUse.Projections => "PRAGMA synchronous = NORMAL; " + WriterCache,
                _ => "PRAGMA synchronous = NORMAL;",
            },
            cancellationToken);

    /// <summary>Only reads: the transaction locked the whole database when it began.</summary>
    public override string LockSequencer => "SELECT position, time_us, hash FROM sequencer WHERE id = 1";

    /// <inheritdoc/>
    AppendSession IAppendSessionFactory.CreateAppendSession(DbConnection connection) => new SqliteAppendSession((SqliteConnection)connection, this);

    /// <inheritdoc/>
    IRowStatement IRowStatements.PrepareRows(DbConnection connection, string text, IReadOnlyList<string> names) =>
        new SqliteStatement((SqliteConnection)connection, text, [.. names]);

    /// <inheritdoc/>
    public override Task<DbTransaction> BeginSnapshotAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        // Deferred: in write-ahead-log mode a reader gets a snapshot and takes no lock.
        return Task.FromResult<DbTransaction>(((SqliteConnection)connection).BeginTransaction(deferred: true));
    }

    /// <inheritdoc/>
    public override bool IsTransient(DbException exception) =>
        exception is SqliteException { SqliteErrorCode: Busy or Locked };

    /// <inheritdoc/>
    public override bool IsDataError(DbException exception) =>
        exception is SqliteException { SqliteErrorCode: Constraint or TooBig or Mismatch };

    private static Task PrepareAsync(DbConnection connection, string pragmas, CancellationToken cancellationToken) =>
        ExecuteAsync(connection, WaitForWriters + pragmas, cancellationToken);

    private static async Task ExecuteAsync(DbConnection connection, string text, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = text;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static string FileOf(string connectionString) =>
        Path.GetFullPath(new SqliteConnectionStringBuilder(connectionString).DataSource);
}
