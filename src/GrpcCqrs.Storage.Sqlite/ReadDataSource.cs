using System.Collections.Concurrent;
using System.Data.Common;

namespace GrpcCqrs.Storage.Sqlite;

/// <summary>
/// A pool of read connections that keep their prepared statements. The driver's own pool drops statements when a
/// connection is closed, and preparing one takes longer than running one that reads a single row.
/// </summary>
/// <param name="connectionString">The database.</param>
internal sealed class ReadDataSource(string connectionString) : DbDataSource
{
    /// <summary>More than the number of concurrent queries; connections returned beyond it are closed.</summary>
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

    protected override DbConnection CreateDbConnection() => new PooledReadConnection(this);

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
