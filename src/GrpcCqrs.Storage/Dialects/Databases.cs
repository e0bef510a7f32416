using System.Data.Common;
using GrpcCqrs.EventSourcing;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;

namespace GrpcCqrs.Storage;

/// <summary>The write database that the configuration names.</summary>
/// <param name="Provider">Its kind.</param>
/// <param name="ConnectionString">Where it is.</param>
/// <param name="CreateContext">Makes the service's EF Core context on it.</param>
public sealed record WriteDatabase(DatabaseProvider Provider, string ConnectionString, Func<WriteDbContext> CreateContext) : IDisposable
{
    private readonly Lazy<DbDataSource> readers = new(() => Provider.CreateReaders(ConnectionString));
    private readonly SemaphoreSlim? turns = Provider.HasOneWriter ? new SemaphoreSlim(1) : null;

    /// <summary>The engine's own context on it, which its migrations belong to.</summary>
    internal WriteSchemaContext CreateSchemaContext() => new(Databases.ContextOptions(Provider, ConnectionString));

    /// <summary>Makes the append queue's conversation with it.</summary>
    public Func<DbConnection, AppendSession> CreateAppendSession { get; init; } = Provider.CreateAppendSession;

    /// <summary>An open connection; the caller disposes it.</summary>
    public Task<DbConnection> OpenAsync(CancellationToken cancellationToken) =>
        Databases.OpenAsync(Provider, ConnectionString, cancellationToken);

    /// <summary>An open connection to read through, on which statements that were used before are prepared; the caller disposes it.</summary>
    public ValueTask<DbConnection> OpenReaderAsync(CancellationToken cancellationToken) => readers.Value.OpenConnectionAsync(cancellationToken);

    /// <summary>Closes the connections that queries left.</summary>
    public void Dispose()
    {
        if (readers.IsValueCreated)
        {
            readers.Value.Dispose();
        }
    }

    /// <summary>
    /// Waits until no other transaction of this process writes, first come first served, where the database has one writer at a time;
    /// elsewhere returns at once. Dispose what is returned after the transaction.
    /// </summary>
    public async ValueTask<IDisposable?> WaitForWriterAsync(CancellationToken cancellationToken)
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

/// <summary>The read database that the configuration names.</summary>
/// <param name="Provider">Its kind.</param>
/// <param name="ConnectionString">Where it is.</param>
/// <param name="CreateContext">Makes the service's EF Core context on it.</param>
public sealed record ReadDatabase(DatabaseProvider Provider, string ConnectionString, Func<ReadDbContext> CreateContext) : IDisposable
{
    private readonly Lazy<DbDataSource> readers = new(() => Provider.CreateReaders(ConnectionString));

    /// <summary>The engine's own context on it, which its migrations belong to.</summary>
    internal ReadSchemaContext CreateSchemaContext() => new(Databases.ContextOptions(Provider, ConnectionString));

    /// <summary>An open connection; the caller disposes it.</summary>
    public Task<DbConnection> OpenAsync(CancellationToken cancellationToken) =>
        Databases.OpenAsync(Provider, ConnectionString, cancellationToken);

    /// <summary>An open connection to read through, on which statements that were used before are prepared; the caller disposes it.</summary>
    public ValueTask<DbConnection> OpenReaderAsync(CancellationToken cancellationToken) => readers.Value.OpenConnectionAsync(cancellationToken);

    /// <summary>Closes the connections that queries left.</summary>
    public void Dispose()
    {
        if (readers.IsValueCreated)
        {
            readers.Value.Dispose();
        }
    }
}

/// <summary>A service's own contexts.</summary>
/// <param name="CreateWrite">Makes its write context.</param>
/// <param name="CreateRead">Makes its read context.</param>
public sealed record ServiceContexts(Func<DbContextOptions, WriteDbContext> CreateWrite, Func<DbContextOptions, ReadDbContext> CreateRead);

/// <summary>Connections as the driver makes and pools them.</summary>
internal sealed class DriverReaders(DatabaseProvider provider, string connectionString) : DbDataSource
{
    public override string ConnectionString => connectionString;

    protected override DbConnection CreateDbConnection() => provider.CreateConnection(connectionString);
}

internal static class Databases
{
    public static WriteDatabase CreateWrite(IEnumerable<DatabaseProvider> providers, ServiceContexts contexts, StorageOptions options)
    {
        var provider = Choose([.. providers], options.Write, "Write");
        var connectionString = ConnectionStringOf(provider, options, options.Write, "write");
        return new WriteDatabase(provider, connectionString, () => contexts.CreateWrite(ContextOptions(provider, connectionString)));
    }

    public static ReadDatabase CreateRead(
        IEnumerable<DatabaseProvider> providers, ServiceContexts contexts, StorageOptions options, Func<IEnumerable<IProjection>> projections)
    {
        // Asked for when the first context is made: projections may themselves need the database.
        var tables = new Lazy<ProjectionTable[]>(() => [.. projections().SelectMany(projection => projection.Tables)]);
        var provider = Choose([.. providers], options.Read, "Read");
        var connectionString = ConnectionStringOf(provider, options, options.Read, "read");
        return new ReadDatabase(provider, connectionString, () =>
        {
            var context = contexts.CreateRead(ContextOptions(provider, connectionString));
            context.ProjectionTables = tables.Value;
            return context;
        });
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

    public static DbContextOptions ContextOptions(DatabaseProvider provider, string connectionString)
    {
        var builder = new DbContextOptionsBuilder();
        provider.Configure(builder, connectionString);
        return builder.ReplaceService<IModelCacheKeyFactory, ReadModelCacheKeyFactory>().Options;
    }
}
