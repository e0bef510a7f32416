using System.Collections.Concurrent;
using System.Data.Common;
using System.Globalization;
using System.Net.Sockets;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Migrations;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Npgsql;

namespace GrpcCqrs.Storage.PostgreSql;

/// <summary>
/// PostgreSQL 14 and later. Its own commit is durable (<c>synchronous_commit</c> is on by default); the standard statements fit as
/// they are, and appends go as sets through <see cref="PostgreSqlAppendSession"/>. Tables of projections are emptied with DELETE:
/// TRUNCATE would wait for whoever reads them, such as a backup, and the live tables with it.
/// </summary>
public sealed class PostgreSqlProvider : DatabaseProvider
{
    /// <summary>More than the product has statements; the driver prepares each at its second use on a connection.</summary>
    private const int PreparedStatements = 256;

    /// <summary>
    /// A pool's connections at most, unless the connection string has a number. The driver's own 100, for readers of the write database
    /// and again for those of the read database, is twice what a server takes that was left at its default, and a server of few cores answers
    /// fewer calls the more it is asked at once (RESULTS.md).
    /// </summary>
    private const int MaxPoolSize = 20;

    /// <summary>idle_in_transaction_session_timeout, which the driver does not name.</summary>
    private const string IdleInTransaction = "25P03";

    /// <summary>The shortest time that a projector's transaction may stand still, whatever the lease: a busy machine is not a dead one.</summary>
    private static readonly TimeSpan MinTransactionIdle = TimeSpan.FromSeconds(1);

    /// <summary>How often the listening connection is tried while it is silent: a dead peer is noticed within this and a time-out.</summary>
    private const int KeepAliveSeconds = 10;

    /// <summary>Of each connection string the one that is used.</summary>
    private readonly ConcurrentDictionary<string, string> preparing = new(StringComparer.Ordinal);

    /// <summary>Of each change of a table's rows the statement for many.</summary>
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
    /// Connections that nobody changes settings on, so that the driver need not reset them each time one is taken from the pool, which
    /// costs the server as much as a short query does.
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
    /// A database or role that was told to answer before the flush is not followed in that. And all that the append queue does is
    /// look up and remove rows by their keys: a plan made while a table was small must not still read all of it when it is large.
    /// A process that was stopped in the middle of an append would hold the sequencer's row, and so every append of every process, for
    /// as long as it is stopped: the server ends its session after 4 s. Its transaction is rolled back, and repeated when it wakes.
    /// </summary>
    public override async Task PrepareWriterAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        await using var command = connection.CreateCommand();
        command.CommandText = WriterSettings;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// A projector that was stopped in the middle of a transaction would hold the lease's row for as long as it is stopped, so that no
    /// other could take over: the server ends its session when it has stood still for the lease's length. The driver resets both
    /// settings when the connection goes back to the pool. Commits are flushed as any others: a server that crashed must not come back
    /// with less than queries were already told.
    /// </summary>
    public override async Task PrepareProjectorAsync(DbConnection connection, TimeSpan leaseDuration, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        await using var command = connection.CreateCommand();
        command.CommandText = ProjectorSettings(leaseDuration);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override bool GathersWrites => true;

    /// <inheritdoc/>
    public override DbBatchCommand? ChangeRows(RowChange change, string table, IReadOnlyList<object?[]> rows)
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
    public override AppendSession CreateAppendSession(DbConnection connection) => new PostgreSqlAppendSession((NpgsqlConnection)connection, this);

    /// <inheritdoc/>
    public override bool HasNotifications => true;

    /// <summary>
    /// LISTEN needs a session. Through a pooler that gives each transaction another one nothing is heard, and commits of other
    /// processes are found by polling alone.
    /// </summary>
    public override async Task ListenAsync(string connectionString, Action<long> onCommit, CancellationToken cancellationToken)
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

    /// <summary>What the listening session is called in <c>pg_stat_activity</c>, behind the configured application name.</summary>
    internal const string ListenerName = "(commit watcher)";

    /// <summary>What the append queue's connection is set to.</summary>
    internal const string WriterSettings =
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';"
        + " SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;"
        + " SET idle_in_transaction_session_timeout = 4000";

    /// <summary>
    /// What a reader's connection is set to. The server compiles a query that it thinks expensive, which takes tens of milliseconds, and
    /// all of ours are short.
    /// </summary>
    internal const string ReaderSettings = "SET jit = off";

    /// <summary>
    /// What a projector's connection is set to; rows are looked up by their keys there too. Without jit the server would compile each
    /// statement that has to read a whole table, since it thinks them most expensive there. What is written to a GIN index, such as one
    /// for search, waits in a list that every search reads to its end, unsorted: the server would sort it in at 4 MiB.
    /// </summary>
    internal static string ProjectorSettings(TimeSpan leaseDuration)
    {
        var idle = leaseDuration > MinTransactionIdle ? leaseDuration : MinTransactionIdle;
        return string.Create(CultureInfo.InvariantCulture, $"SET idle_in_transaction_session_timeout = {(long)idle.TotalMilliseconds}; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off; SET gin_pending_list_limit = 256");
    }

    private string Preparing(string connectionString) => preparing.GetOrAdd(connectionString, static given =>
    {
        // Whoever goes through a pooler that cannot carry prepared statements sets Max Auto Prepare=0.
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

    /// <summary>Gives every text column the collation.</summary>
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
