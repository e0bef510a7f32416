using System.Data.Common;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;

namespace GrpcCqrs.Storage.SqlServer;

/// <summary>
/// SQL Server 2019 and later, at compatibility level 130 or higher. Correctness relies only on the row lock of the
/// sequencer's UPDATE and on unique constraints. With READ_COMMITTED_SNAPSHOT on, as in databases created by the
/// migrations, readers do not wait for the writer.
/// </summary>
public class SqlServerProvider : DatabaseProvider, IAppendSessionFactory
{
    /// <summary>
    /// The settings of the append queue's connection. Rejects a database that forces delayed durability, since no
    /// session can override that.
    /// </summary>
    internal const string WriterSettings =
        "SET NOCOUNT ON; SET XACT_ABORT ON;"
        + " IF EXISTS (SELECT 1 FROM sys.databases WHERE database_id = DB_ID() AND delayed_durability = 2)"
        + " THROW 50000, 'DELAYED_DURABILITY is FORCED in this database: commits would be answered before they are durable.', 1";

    /// <summary>
    /// Errors of this severity or higher end the connection; the driver also uses it for failed connection attempts.
    /// </summary>
    private const byte EndsConnection = 20;

    private static readonly HashSet<int> Transient =
    [
        -2, // The driver's: a time-out of the command or the connection attempt.
        1205, // Deadlock.
        3960, 3961, // Snapshot conflict.
        4060, 4221, 6005, 17142, 18401, // The database or the server is starting, stopping or paused.
        10928, 10929, 40143, 40197, 40501, 40540, 40613, 42108, 42109, 49918, 49919, 49920, // Azure is moving or throttling the database.
    ];

    private static readonly HashSet<int> DataErrors =
    [
        2601, 2627, // Duplicate key: unique index; unique constraint or primary key.
        515, 547, // NULL, or a check or foreign key.
        220, 511, 2628, 8115, 8152, 8114, 245, // Too large, or of the wrong type.
        13609, // Invalid JSON.
    ];

    /// <inheritdoc/>
    public override string Name => "SqlServer";

    /// <inheritdoc/>
    public override string LockSequencer =>
        "UPDATE sequencer SET position = position OUTPUT inserted.position, inserted.time_us, inserted.hash WHERE id = 1";

    /// <inheritdoc/>
    public override string InsertReturningId(string table, string id, string columns, string values) =>
        $"INSERT INTO {table} ({columns}) OUTPUT inserted.{id} VALUES ({values})";

    /// <inheritdoc/>
    public override string IsSameText(string column, string parameter) => $"{column} = {parameter} AND DATALENGTH({column}) = DATALENGTH({parameter})";

    /// <summary>
    /// Uses row versions, and no locks that would block a writer. The database must allow snapshot isolation; the read
    /// database's migrations enable it.
    /// </summary>
    public override async Task<DbTransaction> BeginSnapshotAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return await connection.BeginTransactionAsync(System.Data.IsolationLevel.Snapshot, cancellationToken);
    }

    /// <inheritdoc/>
    public override string FirstRows(string orderedSelect) => $"{orderedSelect} OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY";

    /// <inheritdoc/>
    public override string SelectTable => "SELECT 1 FROM information_schema.tables WHERE table_schema = SCHEMA_NAME() AND table_name = @name";

    /// <inheritdoc/>
    public override string DefaultConnectionString(string directory, string database) => throw new InvalidOperationException(
        $"Set Storage:{char.ToUpperInvariant(database[0])}{database[1..]}:ConnectionString, such as Server=localhost;Database=blog_{database};User Id=blog;Password=...; SQL Server has no default.");

    /// <inheritdoc/>
    public override bool IsSameDatabase(string connectionString, string other)
    {
        var (one, two) = (new SqlConnectionStringBuilder(connectionString), new SqlConnectionStringBuilder(other));
        return string.Equals(one.DataSource, two.DataSource, StringComparison.OrdinalIgnoreCase)
            && string.Equals(one.InitialCatalog, two.InitialCatalog, StringComparison.OrdinalIgnoreCase);
    }

    /// <inheritdoc/>
    public override DbConnection CreateConnection(string connectionString) => new SqlConnection(connectionString);

    /// <inheritdoc/>
    public override void Configure(DbContextOptionsBuilder options, string connectionString) =>
        options.UseSqlServer(connectionString).ReplaceService<IModelCustomizer, ByteOrder>();

    /// <inheritdoc/>
    public override void ThrowIfUnusable()
    {
        // The driver needs ICU's code page tables (dotnet/SqlClient issue 3742).
        if (AppContext.TryGetSwitch("System.Globalization.Invariant", out var isInvariant) && isInvariant)
        {
            throw new InvalidOperationException(
                "SQL Server's driver does not work in invariant globalisation: install ICU and build the service with -p:InvariantGlobalization=false.");
        }
    }

    /// <inheritdoc/>
    public override async Task PrepareAsync(DbConnection connection, ConnectionUse use, TimeSpan idleLimit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        if (use != ConnectionUse.Appends)
        {
            return;
        }

        await using var command = connection.CreateCommand();
        command.CommandText = WriterSettings;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc/>
    AppendSession IAppendSessionFactory.CreateAppendSession(DbConnection connection) => new SqlServerAppendSession((SqlConnection)connection, this);

    /// <inheritdoc/>
    public override bool IsTransient(DbException exception) =>
        exception is SqlException sql && sql.Errors.Cast<SqlError>().Any(error => error.Class >= EndsConnection || Transient.Contains(error.Number));

    /// <inheritdoc/>
    public override bool IsDataError(DbException exception) =>
        exception is SqlException sql && sql.Errors.Cast<SqlError>().Any(error => DataErrors.Contains(error.Number));

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
                    property.SetCollation(TextCollations.SqlServer);
                }
            }
        }
    }
}
