using System.Data.Common;
using System.Security.Cryptography;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using GrpcCqrs.Storage.Projections;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage.Schema;

/// <summary>
/// Migrates both databases to the newest schema and loads the store's identity. Runs before the first request.
/// </summary>
internal sealed partial class StorageInitializer
{
    /// <summary>The attempts to lock the directory: one minute in total, which is longer than a start takes.</summary>
    private const int MaxTurnAttempts = 600;

    private const int MaxMigrationAttempts = 3;

    private static readonly TimeSpan MigrationRetryDelay = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan TurnInterval = TimeSpan.FromMilliseconds(100);

    private readonly StorageOptions options;
    private readonly ProjectionMode mode;
    private readonly WriteDatabase write;
    private readonly ReadDatabase read;
    private readonly GenerationStore generations;
    private readonly IReadOnlyList<IProjection> projections;
    private readonly ReadModelFollower follower;
    private readonly StoreIdentity identity;
    private readonly TimeProvider clock;
    private readonly ILogger<StorageInitializer> logger;

    internal StorageInitializer(
        IOptions<StorageOptions> options,
        IOptions<ProjectionOptions> projectionOptions,
        WriteDatabase write,
        ReadDatabase read,
        GenerationStore generations,
        IEnumerable<IProjection> projections,
        ReadModelFollower follower,
        StoreIdentity identity,
        TimeProvider clock,
        ILogger<StorageInitializer> logger)
    {
        this.options = options.Value;
        mode = projectionOptions.Value.Mode;
        this.generations = generations;
        this.projections = [.. projections];
        this.write = write;
        this.read = read;
        this.follower = follower;
        this.identity = identity;
        this.clock = clock;
        this.logger = logger;
    }

    /// <summary>Creates missing databases and migrates old ones.</summary>
    /// <exception cref="InvalidOperationException">The write and the read database are the same.</exception>
    /// <exception cref="DbException">A database cannot be reached or migrated.</exception>
    /// <exception cref="SchemaException">The read database refuses to create a projection's table.</exception>
    public async Task InitializeAsync(CancellationToken cancellationToken)
    {
        if (write.Provider.Name == read.Provider.Name && write.Provider.IsSameDatabase(write.ConnectionString, read.ConnectionString))
        {
            throw new InvalidOperationException("Storage:Write and Storage:Read lead to the same database; they must be two.");
        }

        var directory = Directory.CreateDirectory(Path.GetFullPath(options.Directory));
        await using var turn = await LockDirectoryAsync(directory, cancellationToken);
        await write.Provider.PrepareMigrationAsync(write.ConnectionString, cancellationToken);
        await using (var schema = new WriteSchemaContext(write.ContextOptions()))
        {
            await UpgradeAsync(schema, cancellationToken);
        }

        await using (var context = new WriteSchemaContext(write.ContextOptions()))
        {
            await IdentifyAsync(context, cancellationToken);
        }

        if (mode != ProjectionMode.Off)
        {
            await read.Provider.PrepareMigrationAsync(read.ConnectionString, cancellationToken);
            await using (var schema = new ReadSchemaContext(read.ContextOptions()))
            {
                await UpgradeAsync(schema, cancellationToken);
            }

            if (mode != ProjectionMode.Follow)
            {
                await generations.CreateMissingAsync(projections, cancellationToken);
            }

            await follower.LookAsync(cancellationToken);
        }

        LogReady(logger, identity.StoreId, write.Provider.Name, read.Provider.Name, Path.GetFullPath(options.Directory));
    }

    private async Task UpgradeAsync(DbContext context, CancellationToken cancellationToken)
    {
        if ((await context.Database.GetPendingMigrationsAsync(cancellationToken)).ToArray() is { Length: > 0 } pending)
        {
            LogMigrating(logger, context is WriteDbContext ? "write" : "read", string.Join(", ", pending));
            await MigrateAsync(context, cancellationToken);
        }
    }

    /// <summary>
    /// Retries: when several services start at once, only one can create the database and the others fail at first.
    /// </summary>
    private static async Task MigrateAsync(DbContext context, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await context.Database.MigrateAsync(cancellationToken);
                return;
            }
            catch (DbException) when (attempt < MaxMigrationAttempts)
            {
                await Task.Delay(MigrationRetryDelay, cancellationToken);
            }
        }
    }

    /// <summary>
    /// Lets one process at a time migrate the databases of a data directory. It is an operating system lock, so it is
    /// released when a process is killed.
    /// </summary>
    private static async Task<FileStream> LockDirectoryAsync(DirectoryInfo directory, CancellationToken cancellationToken)
    {
        var file = Path.Combine(directory.FullName, "starting.lock");
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (attempt < MaxTurnAttempts && File.Exists(file))
            {
                await Task.Delay(TurnInterval, cancellationToken);
            }
        }
    }

    private async Task IdentifyAsync(WriteDbContext context, CancellationToken cancellationToken)
    {
        var row = await context.StoreIdentity.AsNoTracking().SingleOrDefaultAsync(cancellationToken);
        if (row is null)
        {
            var now = clock.GetUtcNow();
            context.StoreIdentity.Add(new StoreIdentityRow
            {
                Id = 1,
                StoreId = Guid.CreateVersion7(now),
                TokenKey = RandomNumberGenerator.GetBytes(32),
                TimeMicroseconds = UnixMicroseconds.From(now),
            });
            try
            {
                await context.SaveChangesAsync(cancellationToken);
            }
            catch (DbUpdateException exception) when (exception.InnerException is DbException inner
                && (write.Provider.IsDataError(inner) || write.Provider.IsTransient(inner)))
            {
                // Another process was first. This shows as a duplicate or, under a strict isolation level, as a
                // conflict; its row is read below.
            }

            row = await context.StoreIdentity.AsNoTracking().SingleAsync(cancellationToken);
        }

        identity.Set(row.StoreId, row.TokenKey);
    }

    [LoggerMessage(1302, LogLevel.Information, "The {Database} database is brought to the newest schema: {Migrations}")]
    private static partial void LogMigrating(ILogger logger, string database, string migrations);

    [LoggerMessage(1301, LogLevel.Information, "Store {StoreId} is open: write database on {WriteProvider}, read database on {ReadProvider}, data directory {Directory}")]
    private static partial void LogReady(ILogger logger, Guid storeId, string writeProvider, string readProvider, string directory);
}
