using System.Collections.Concurrent;
using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace GrpcCqrs.Storage.Sqlite;

/// <summary>
/// Connections that read, each with the statements that it has prepared. The driver's own pool forgets statements when a connection is
/// closed, and to prepare one takes longer than to run one that reads a row.
/// </summary>
/// <param name="connectionString">The database.</param>
internal sealed class SqliteReaders(string connectionString) : DbDataSource
{
    /// <summary>More than queries run at once; what comes back beyond is closed.</summary>
    private const int MaxIdle = 64;

    private readonly ConcurrentStack<PreparedConnection> idle = new();
    private int count;
    private volatile bool isDisposed;

    public override string ConnectionString => connectionString;

    /// <summary>Takes an idle connection, or opens one.</summary>
    public PreparedConnection Rent()
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        if (idle.TryPop(out var connection))
        {
            Interlocked.Decrement(ref count);
            return connection;
        }

        return PreparedConnection.Open(connectionString);
    }

    public void Return(PreparedConnection connection)
    {
        if (Interlocked.Increment(ref count) > MaxIdle)
        {
            Interlocked.Decrement(ref count);
            connection.Dispose();
            return;
        }

        idle.Push(connection);
        if (isDisposed)
        {
            CloseIdle();
        }
    }

    protected override DbConnection CreateDbConnection() => new SqliteReader(this);

    protected override void Dispose(bool disposing)
    {
        isDisposed = true;
        CloseIdle();
    }

    protected override ValueTask DisposeAsyncCore()
    {
        Dispose(disposing: true);
        return ValueTask.CompletedTask;
    }

    private void CloseIdle()
    {
        while (idle.TryPop(out var connection))
        {
            connection.Dispose();
        }
    }
}

/// <summary>A connection with its prepared statements. One caller at a time.</summary>
internal sealed class PreparedConnection : IDisposable
{
    /// <summary>More than the product has statements; filters of lists make more of them.</summary>
    private const int MaxStatements = 128;

    private readonly Dictionary<string, SqliteQuery> idle = new(StringComparer.Ordinal);

    private PreparedConnection(SqliteConnection driver) => Driver = driver;

    public SqliteConnection Driver { get; }

    public static PreparedConnection Open(string connectionString)
    {
        var driver = new SqliteConnection(connectionString);
        try
        {
            driver.Open();
            SqliteLibrary.WaitForWriters(driver);
            return new PreparedConnection(driver);
        }
        catch
        {
            driver.Dispose();
            throw;
        }
    }

    /// <summary>The statement with that text, prepared if it was used before; the caller gives it back.</summary>
    public SqliteQuery Rent(string text) => idle.Remove(text, out var query) ? query : new SqliteQuery(Driver, text);

    public void Return(SqliteQuery query)
    {
        query.Reset();
        if (idle.Count >= MaxStatements)
        {
            Forget();
        }

        if (!idle.TryAdd(query.Text, query))
        {
            query.Dispose();
        }
    }

    public void Dispose()
    {
        Forget();
        Driver.Dispose();
    }

    private void Forget()
    {
        foreach (var query in idle.Values)
        {
            query.Dispose();
        }

        idle.Clear();
    }
}
