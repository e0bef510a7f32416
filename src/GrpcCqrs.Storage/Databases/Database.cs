using System.Data;
using System.Data.Common;
using Microsoft.EntityFrameworkCore;

namespace GrpcCqrs.Storage.Databases;

/// <summary>A configured database.</summary>
/// <param name="Provider">The database's provider.</param>
/// <param name="ConnectionString">The connection string.</param>
public abstract record Database(DatabaseProvider Provider, string ConnectionString) : IDisposable
{
    /// <summary>How long a process that hangs in the middle of a short transaction may keep its locks.</summary>
    private static readonly TimeSpan MaxIdle = TimeSpan.FromSeconds(4);

    private readonly Lazy<DbDataSource> readers = new(() => Provider.CreateReaders(ConnectionString));

    /// <summary>The options of an EF Core context on it.</summary>
    public DbContextOptions ContextOptions()
    {
        var builder = new DbContextOptionsBuilder();
        Provider.Configure(builder, ConnectionString);
        return builder.Options;
    }

    /// <summary>Opens a connection; the caller disposes it.</summary>
    public Task<DbConnection> OpenAsync(CancellationToken cancellationToken) =>
        DatabaseChoice.OpenAsync(Provider, ConnectionString, cancellationToken);

    /// <summary>
    /// Opens a connection for reading, with its earlier statements still prepared; the caller disposes it.
    /// </summary>
    public ValueTask<DbConnection> OpenReaderAsync(CancellationToken cancellationToken) => readers.Value.OpenConnectionAsync(cancellationToken);

    /// <summary>
    /// Waits, first come first served, until no other transaction of this process writes, if the database has one
    /// writer at a time and its writers are serialised here; otherwise returns at once. Dispose the result after the
    /// transaction.
    /// </summary>
    public virtual ValueTask<IDisposable?> WaitForWriterAsync(CancellationToken cancellationToken) => default;

    /// <summary>
    /// Runs a short transaction of the bookkeeping, which commits if the work returns true and is rolled back otherwise.
    /// Each statement sees what was committed before it, as in the append queue, so that a moved fence is seen as such
    /// and does not cause a conflict.
    /// </summary>
    /// <param name="write">The work.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <param name="idleLimit">How long the work may leave the transaction idle. Default: 4 s.</param>
    internal async Task<bool> WriteAsync(
        Func<DbConnection, DbTransaction, Task<bool>> write, CancellationToken cancellationToken, TimeSpan? idleLimit = null)
    {
        await using var connection = await OpenAsync(cancellationToken);
        await Provider.PrepareAsync(connection, ConnectionUse.Bookkeeping, idleLimit ?? MaxIdle, cancellationToken);
        using var turn = await WaitForWriterAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
        if (!await write(connection, transaction))
        {
            return false;
        }

        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    /// <summary>Runs one statement of the bookkeeping in its own transaction; returns the number of rows.</summary>
    internal async Task<int> ExecuteAsync(string text, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        var rows = 0;
        await WriteAsync(
            async (connection, transaction) =>
            {
                rows = await Statement.ExecuteAsync(connection, transaction, text, cancellationToken, parameters);
                return true;
            },
            cancellationToken);
        return rows;
    }

    /// <summary>Runs one query of the bookkeeping and reads all of its rows.</summary>
    internal async Task<List<T>> QueryAsync<T>(
        string text, Func<DbDataReader, T> read, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        await using var connection = await OpenAsync(cancellationToken);
        return await Statement.QueryAsync(connection, null, text, read, cancellationToken, parameters);
    }

    /// <summary>Closes the idle connections of the queries.</summary>
    public void Dispose()
    {
        if (readers.IsValueCreated)
        {
            readers.Value.Dispose();
        }

        GC.SuppressFinalize(this);
    }
}

/// <summary>The configured write database.</summary>
/// <param name="Provider">The database's provider.</param>
/// <param name="ConnectionString">The connection string.</param>
public sealed record WriteDatabase(DatabaseProvider Provider, string ConnectionString) : Database(Provider, ConnectionString)
{
    private readonly SemaphoreSlim? turns = Provider.HasOneWriter ? new SemaphoreSlim(1) : null;

    /// <inheritdoc/>
    public override async ValueTask<IDisposable?> WaitForWriterAsync(CancellationToken cancellationToken)
    {
        if (turns is null)
        {
            return null;
        }

        await turns.WaitAsync(cancellationToken);
        return new Turn(turns);
    }

    private sealed class Turn(SemaphoreSlim turns) : IDisposable
    {
        private int isOver;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isOver, 1) == 0)
            {
                turns.Release();
            }
        }
    }
}

/// <summary>The configured read database.</summary>
/// <param name="Provider">The database's provider.</param>
/// <param name="ConnectionString">The connection string.</param>
public sealed record ReadDatabase(DatabaseProvider Provider, string ConnectionString) : Database(Provider, ConnectionString);

/// <summary>The driver's own connections and pool.</summary>
internal sealed class DriverReaders(DatabaseProvider provider, string connectionString) : DbDataSource
{
    public override string ConnectionString => connectionString;

    protected override DbConnection CreateDbConnection() => provider.CreateConnection(connectionString);
}

internal static class DatabaseChoice
{
    public static WriteDatabase CreateWrite(IEnumerable<DatabaseProvider> providers, StorageOptions options)
    {
        var provider = Choose([.. providers], options.Write, "Write");
        return new WriteDatabase(provider, ConnectionStringOf(provider, options, options.Write, "write"));
    }

    public static ReadDatabase CreateRead(IEnumerable<DatabaseProvider> providers, StorageOptions options)
    {
        var provider = Choose([.. providers], options.Read, "Read");
        return new ReadDatabase(provider, ConnectionStringOf(provider, options, options.Read, "read"));
    }

    public static async Task<DbConnection> OpenAsync(DatabaseProvider provider, string connectionString, CancellationToken cancellationToken)
    {
        var connection = provider.CreateConnection(connectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static DatabaseProvider Choose(DatabaseProvider[] known, DatabaseOptions database, string name)
    {
        var chosen = Array.Find(known, provider => string.Equals(provider.Name, database.Provider, StringComparison.OrdinalIgnoreCase))
            ?? throw new InvalidOperationException(
                $"Storage:{name}:Provider is '{database.Provider}'; the {name.ToLowerInvariant()} database of this service can be {string.Join(", ", known.Select(provider => provider.Name))}.");
        chosen.ThrowIfUnusable();
        return chosen;
    }

    private static string ConnectionStringOf(DatabaseProvider provider, StorageOptions options, DatabaseOptions database, string name)
    {
        if (!string.IsNullOrWhiteSpace(database.ConnectionString))
        {
            return database.ConnectionString;
        }

        return provider.DefaultConnectionString(Path.GetFullPath(options.Directory), name);
    }
}
