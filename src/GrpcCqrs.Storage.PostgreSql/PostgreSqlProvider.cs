using System.Collections.Concurrent;
using System.Data.Common;
using System.Globalization;
using System.Net.Sockets;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Npgsql;

namespace GrpcCqrs.Storage.PostgreSql;

/// <summary>
/// PostgreSQL 14 and later. Its commits are durable by default (<c>synchronous_commit</c> is on). The standard
/// statements need no changes; appends are sent as sets through <see cref="PostgreSqlAppendSession"/>. Projections'
/// tables are emptied with DELETE: TRUNCATE would wait for readers such as a backup, and the live tables with it.
/// </summary>
public sealed class PostgreSqlProvider : DatabaseProvider, IAppendSessionFactory, IWriteGathering, ICommitNotifications
{
    /// <summary>
    /// More than the product's statements; the driver prepares each at its second use on a connection.
    /// </summary>
    private const int PreparedStatements = 256;

    /// <summary>
    /// The size limit of a connection pool, unless the connection string sets one. The driver's default of 100, for
    /// readers of the write database and again for those of the read database, is twice what a server with default
    /// settings accepts; and a server with few cores gets slower the more concurrent calls it has (RESULTS.md).
    /// </summary>
    private const int MaxPoolSize = 20;

    /// <summary>idle_in_transaction_session_timeout, which the driver has no constant for.</summary>
    private const string IdleInTransaction = "25P03";

    /// <summary>
    /// The shortest idle time-out of a projector's transaction, whatever the lease: a busy machine is not a dead one.
    /// </summary>
    private static readonly TimeSpan MinTransactionIdle = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How often the silent listening connection is probed: a dead peer is detected within this time plus a time-out.
    /// </summary>
    private const int KeepAliveSeconds = 10;

    /// <summary>The effective connection string for each configured one.</summary>
    private readonly ConcurrentDictionary<string, string> preparing = new(StringComparer.Ordinal);

    /// <summary>The many-row statement for each change of a table.</summary>
    private readonly ConcurrentDictionary<(RowChange Change, string Table), string> sets = new();

    /// <inheritdoc/>
    public override string Name => "PostgreSql";

    /// <inheritdoc/>
    public override string DefaultConnectionString(string directory, string database) => throw new InvalidOperationException(
        $"Set Storage:{char.ToUpperInvariant(database[0])}{database[1..]}:ConnectionString, such as Host=localhost;Database=blog_{database};Username=blog;Password=...; PostgreSQL has no default.");

    /// <inheritdoc/>
    public override bool IsSameDatabase(string connectionString, string other)
    {
        var (one, two) = (new NpgsqlConnectionStringBuilder(connectionString), new NpgsqlConnectionStringBuilder(other));
        return string.Equals(one.Host, two.Host, StringComparison.OrdinalIgnoreCase)
            && one.Port == two.Port
            && string.Equals(one.Database ?? one.Username, two.Database ?? two.Username, StringComparison.Ordinal);
    }

    /// <inheritdoc/>
    public override DbConnection CreateConnection(string connectionString) => new NpgsqlConnection(Preparing(connectionString));

    /// <summary>
    /// Connections whose settings never change, so the driver need not reset them each time one is taken from the pool.
    /// A reset costs the server as much as a short query.
    /// </summary>
    public override DbDataSource CreateReaders(string connectionString)
    {
        var builder = new NpgsqlDataSourceBuilder(Preparing(connectionString));
        builder.ConnectionStringBuilder.NoResetOnClose = true;
        builder.UsePhysicalConnectionInitializer(
            static connection => Set(connection).ExecuteNonQuery(),
            static async connection =>
            {
                await using var command = Set(connection);
                await command.ExecuteNonQueryAsync();
            });
        return builder.Build();

        static NpgsqlCommand Set(NpgsqlConnection connection) => new(ReaderSettings, connection);
    }

    /// <inheritdoc/>
    public override void Configure(DbContextOptionsBuilder options, string connectionString) =>
        options.UseNpgsql(connectionString).ReplaceService<IModelCustomizer, ByteOrder>();

    /// <summary>
    /// For appends: overrides a database or role that is configured to confirm commits before the flush. The append
    /// queue only looks up and removes rows by key, so table scans are disabled: a plan made while a table was small must
    /// not scan it when it is large. The server ends a session that is idle in a transaction: its process is
    /// suspended, and holds the row of the sequencer or of a lease. The driver resets the settings when the
    /// connection returns to the pool. Commits are always flushed: after a crash, the server must not have less than
    /// queries have already returned.
    /// </summary>
    public override async Task PrepareAsync(DbConnection connection, ConnectionUse use, TimeSpan idleLimit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        await using var command = connection.CreateCommand();
        command.CommandText = use switch
        {
            ConnectionUse.Appends => WriterSettings(idleLimit),
            ConnectionUse.Projections => ProjectorSettings(idleLimit),
            _ => IdleSetting(idleLimit),
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc/>
    DbBatchCommand? IWriteGathering.ChangeRows(RowChange change, string table, IReadOnlyList<object?[]> rows)
    {
        ArgumentNullException.ThrowIfNull(change);
        ArgumentNullException.ThrowIfNull(rows);
        var statement = new NpgsqlBatchCommand(sets.GetOrAdd((change, table), static key => PostgreSqlRows.TextOf(key.Change, key.Table)));
        for (var index = 0; index < change.Names.Count; index++)
        {
            if (PostgreSqlRows.Column(rows, index) is not { } column)
            {
                return null;
            }

            statement.Parameters.Add(column);
        }

        return statement;
    }

    /// <inheritdoc/>
    AppendSession IAppendSessionFactory.CreateAppendSession(DbConnection connection) => new PostgreSqlAppendSession((NpgsqlConnection)connection, this);

    /// <summary>
    /// LISTEN needs a session. Through a pooler that assigns a session to each transaction, no notification arrives,
    /// and only polling finds the commits of other processes.
    /// </summary>
    async Task ICommitNotifications.ListenAsync(string connectionString, Action<long> onCommit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(onCommit);
        var configured = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false };
        configured.ApplicationName = $"{configured.ApplicationName} {ListenerName}".TrimStart();
        configured.KeepAlive = configured.KeepAlive > 0 ? configured.KeepAlive : KeepAliveSeconds;
        await using var connection = new NpgsqlConnection(configured.ConnectionString);
        connection.Notification += (_, told) => onCommit(
            long.TryParse(told.Payload, NumberStyles.None, CultureInfo.InvariantCulture, out var position) ? position : long.MaxValue);
        await connection.OpenAsync(cancellationToken);
        await using (var command = new NpgsqlCommand(PostgreSqlSets.Listen, connection))
        {
            await command.ExecuteNonQueryAsync(cancellationToken);
            command.CommandText = EventSql.SelectHead;
            onCommit((long)(await command.ExecuteScalarAsync(cancellationToken))!);
        }

        while (true)
        {
            await connection.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override bool IsTransient(DbException exception) => exception switch
    {
        PostgresException { SqlState: var state } => state.StartsWith("08", StringComparison.Ordinal)
            || state is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.TooManyConnections
                or PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow
                or IdleInTransaction,
        NpgsqlException { InnerException: IOException or SocketException or TimeoutException } => true,
        _ => false,
    };

    /// <inheritdoc/>
    public override bool IsDataError(DbException exception) =>
        exception is PostgresException { SqlState: var state }
        && (state.StartsWith("22", StringComparison.Ordinal) || state.StartsWith("23", StringComparison.Ordinal));

    /// <summary>
    /// The name of the listening session in <c>pg_stat_activity</c>, after the configured application name.
    /// </summary>
    internal const string ListenerName = "(commit watcher)";

    /// <summary>The settings of the append queue's connection.</summary>
    internal static string WriterSettings(TimeSpan idleLimit) =>
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';"
        + " SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;"
        + $" {IdleSetting(idleLimit)}";

    /// <summary>
    /// The settings of a reader's connection. The server compiles queries that it estimates as expensive, which takes
    /// tens of milliseconds; all of ours are short.
    /// </summary>
    internal const string ReaderSettings = "SET jit = off";

    /// <summary>
    /// The settings of a projector's connection, which also looks up rows by key. With jit, the server would compile
    /// each statement that must scan a whole table, since disabled scans get the highest cost estimates. New entries of
    /// a GIN index, such as a search index, go to an unsorted pending list that every search reads to the end; by
    /// default the server merges it into the index at 4 MiB.
    /// </summary>
    internal static string ProjectorSettings(TimeSpan idleLimit) =>
        $"{IdleSetting(idleLimit)}; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off; SET gin_pending_list_limit = 256";

    private static string IdleSetting(TimeSpan idleLimit) => string.Create(
        CultureInfo.InvariantCulture,
        $"SET idle_in_transaction_session_timeout = {(long)(idleLimit > MinTransactionIdle ? idleLimit : MinTransactionIdle).TotalMilliseconds}");

    private string Preparing(string connectionString) => preparing.GetOrAdd(connectionString, static given =>
    {
        // Behind a pooler that does not support prepared statements, configure Max Auto Prepare=0.
        var configured = new DbConnectionStringBuilder { ConnectionString = given };
        if (!configured.ContainsKey("Max Auto Prepare"))
        {
            configured["Max Auto Prepare"] = PreparedStatements;
            configured["Auto Prepare Min Usages"] = 2;
        }

        if (!configured.ContainsKey("Maximum Pool Size") && !configured.ContainsKey("MaxPoolSize"))
        {
            configured["Maximum Pool Size"] = MaxPoolSize;
        }

        return configured.ConnectionString;
    });

    /// <summary>Sets the collation of every text column.</summary>
    private sealed class ByteOrder(ModelCustomizerDependencies dependencies) : RelationalModelCustomizer(dependencies)
    {
        public override void Customize(ModelBuilder modelBuilder, DbContext context)
        {
            base.Customize(modelBuilder, context);
            foreach (var property in modelBuilder.Model.GetEntityTypes().SelectMany(entity => entity.GetProperties()))
            {
                if (property.ClrType == typeof(string))
                {
                    property.SetCollation(TextCollations.PostgreSql);
                }
            }
        }
    }
}
