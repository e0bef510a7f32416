using System.Data.Common;
using Microsoft.EntityFrameworkCore;

namespace GrpcCqrs.Storage;

/// <summary>The write database that the configuration names.</summary>
/// <param name="Provider">Its kind.</param>
/// <param name="ConnectionString">Where it is.</param>
/// <param name="CreateContext">Makes the service's EF Core context on it.</param>
public sealed record WriteDatabase(DatabaseProvider Provider, string ConnectionString, Func<WriteDbContext> CreateContext) : IDisposable
{
    private readonly Lazy<DbDataSource> readers = new(() => Provider.CreateReaders(ConnectionString));
    private readonly SemaphoreSlim? turns = Provider.HasOneWriter ? new SemaphoreSlim(1) : null;

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
    public async ValueTask<IDisposable?> TakeTurnAsync(CancellationToken cancellationToken)
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

/// <summary>A kind of database together with a service's contexts for it.</summary>
/// <param name="Provider">The kind.</param>
/// <param name="CreateWriteContext">Makes the service's write context.</param>
/// <param name="CreateReadContext">Makes the service's read context; null where its read database cannot be of this kind.</param>
public sealed record ProviderRegistration(
    DatabaseProvider Provider,
    Func<DbContextOptions, WriteDbContext> CreateWriteContext,
    Func<DbContextOptions, ReadDbContext>? CreateReadContext);

/// <summary>Connections as the driver makes and pools them.</summary>
internal sealed class DriverReaders(DatabaseProvider provider, string connectionString) : DbDataSource
{
    public override string ConnectionString => connectionString;

    protected override DbConnection CreateDbConnection() => provider.CreateConnection(connectionString);
}

internal static class Databases
{
    public static WriteDatabase CreateWrite(IEnumerable<ProviderRegistration> registrations, StorageOptions options)
    {
        var registration = Choose([.. registrations], options.Write, "Write");
        var connectionString = ConnectionStringOf(registration.Provider, options, options.Write, "write");
        return new WriteDatabase(
            registration.Provider, connectionString, () => registration.CreateWriteContext(ContextOptions(registration.Provider, connectionString)));
    }

    public static ReadDatabase CreateRead(IEnumerable<ProviderRegistration> registrations, StorageOptions options)
    {
        ProviderRegistration[] known = [.. registrations.Where(registration => registration.CreateReadContext is not null)];
        var registration = Choose(known, options.Read, "Read");
        var connectionString = ConnectionStringOf(registration.Provider, options, options.Read, "read");
        return new ReadDatabase(
            registration.Provider, connectionString, () => registration.CreateReadContext!(ContextOptions(registration.Provider, connectionString)));
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

    private static ProviderRegistration Choose(ProviderRegistration[] known, DatabaseOptions database, string name)
    {
        var chosen = Array.Find(known, r => string.Equals(r.Provider.Name, database.Provider, StringComparison.OrdinalIgnoreCase))
            ?? throw new InvalidOperationException(
                $"Storage:{name}:Provider is '{database.Provider}'; the {name.ToLowerInvariant()} database of this service can be {string.Join(", ", known.Select(r => r.Provider.Name))}.");
        chosen.Provider.ThrowIfUnusable();
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

    private static DbContextOptions ContextOptions(DatabaseProvider provider, string connectionString)
    {
        var builder = new DbContextOptionsBuilder();
        provider.Configure(builder, connectionString);
        return builder.Options;
    }
}
