using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Projections;
using GrpcCqrs.Storage.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace GrpcCqrs.Testing;

/// <summary>
/// The engine's own projector, rebuilder and replay as in a service's process, but without the loop that paces them: a
/// law decides how batches are split. A restart is another instance on the same database.
/// </summary>
internal sealed class ProjectingProcess : IAsyncDisposable
{
    /// <summary>More events than any history has, so that only a law splits batches.</summary>
    public const int AnyCount = 100_000;

    private static readonly Guid StoreId = new("0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11");

    private readonly ServiceProvider services;
    private readonly Projector projector;
    private readonly HistoryStore store;
    private readonly IProjection projection;

    private ProjectingProcess(ServiceProvider services, HistoryStore store, IProjection projection)
    {
        this.services = services;
        this.store = store;
        this.projection = projection;
        projector = services.GetRequiredService<Projector>();
    }

    private ProjectionState Live => projector.Live(projection.Name)!;

    /// <summary>The services of a process that projects from a history into the database in a directory.</summary>
    public static ServiceProvider Services(
        DirectoryInfo directory, EventTypeRegistry types, Func<DbContextOptions, ReadDbContext> createContext, IEventStore store, IProjection? projection)
    {
        var collection = new ServiceCollection();
        collection.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(
        [
            KeyValuePair.Create("Storage:Directory", (string?)directory.FullName),
            KeyValuePair.Create("Projections:BatchSize", (string?)$"{AnyCount}"),
        ]).Build());
        collection.AddLogging().AddEventSourcing().AddEvents(types).AddEventStorage()
            .AddDatabases(_ => throw new NotSupportedException("A history can only be projected."), createContext)
            .AddDatabaseProvider(new SqliteProvider())
            .AddSingleton(store);
        if (projection is not null)
        {
            collection.AddSingleton(projection);
        }

        var provider = collection.BuildServiceProvider();
        provider.GetRequiredService<StoreIdentity>().Set(StoreId, new byte[32]);
        return provider;
    }

    public static async Task<ProjectingProcess> StartAsync(ServiceProvider services, HistoryStore store, IProjection projection, CancellationToken cancellationToken)
    {
        var process = new ProjectingProcess(services, store, projection);
        if (!await process.projector.Lease.TryTakeAsync(cancellationToken))
        {
            throw new InvalidOperationException($"The projector's lease is held by {process.projector.Lease.Holder}; check the laws of one projection at a time.");
        }

        await process.projector.LoadAsync(cancellationToken);
        return process;
    }

    /// <summary>Applies the next batch to the live tables, as the runner would.</summary>
    /// <returns>The number of events applied; 0 at the end of the history or if the batch failed.</returns>
    public async Task<int> FeedAsync(int count, CancellationToken cancellationToken)
    {
        var page = await store.ReadAllAsync(Live.Position, Math.Min(count, Live.BatchLimit), cancellationToken);
        return page.Events.Count > 0 && await projector.ApplyAsync([Live], page.Events, cancellationToken) ? page.Events.Count : 0;
    }

    /// <summary>Whether the live tables have reached the end of the history.</summary>
    public async Task<bool> IsAtEndAsync(CancellationToken cancellationToken) => Live.Position == await store.ReadHeadAsync(cancellationToken);

    /// <summary>Why the last batch failed.</summary>
    public string? LastError => Live.LastError;

    /// <summary>Reads the checkpoints again, as the runner does when its state may be stale.</summary>
    public async Task ReloadAsync(CancellationToken cancellationToken)
    {
        await projector.ResetAsync();
        await projector.LoadAsync(cancellationToken);
    }

    /// <summary>
    /// Redelivers the events after a position through a process that missed their commit. The checkpoint detects this,
    /// unless the projection itself fails on events that it has already seen.
    /// </summary>
    /// <returns>Whether nothing was applied.</returns>
    public async Task<bool> RedeliverAsync(long after, CancellationToken cancellationToken)
    {
        var page = await store.ReadAllAsync(after, (int)Math.Min(AnyCount, Live.Position - after), cancellationToken);
        var row = new GenerationRow(projection.Name, Live.Generation, GenerationState.Live, projection.Version, after, StoreId, DateTimeOffset.UnixEpoch, 0, false, null, [], "");
        var late = new ProjectionState(projection, row, TimeProvider.System);
        var isApplied = false;
        try
        {
            isApplied = await projector.ApplyAsync([late], page.Events, cancellationToken);
        }
        catch (CheckpointMovedException)
        {
            // Expected.
        }

        await ReloadAsync(cancellationToken);
        return !isApplied;
    }

    public long Position => Live.Position;

    /// <summary>Fills a new generation in large batches until it reaches the live one's position.</summary>
    /// <returns>Its number.</returns>
    public async Task<int> RebuildAsync(CancellationToken cancellationToken)
    {
        var rebuilder = services.GetRequiredService<Rebuilder>();
        await rebuilder.StartAsync([projection.Name], holdsOnDifference: true, cancellationToken);
        while (projector.Find(projection.Name, GenerationState.Building) is { } other && other.Position < Live.Position)
        {
            await rebuilder.AdvanceAsync(cancellationToken);
            if (other.LastError is { } error)
            {
                throw new LawStepException($"The projection failed while it was rebuilt: {error}");
            }
        }

        return projector.Find(projection.Name, GenerationState.Building)!.Generation;
    }

    /// <summary>Removes a stream and refolds it.</summary>
    public Task ReplayAsync(StreamId stream, CancellationToken cancellationToken) =>
        services.GetRequiredService<StreamReplay>().ReplayAsync(projection.Name, stream, cancellationToken);

    /// <summary>Removes a stream.</summary>
    public Task RemoveAsync(StreamId stream, CancellationToken cancellationToken)
    {
        Live.Batch = null;
        return projector.InTransactionAsync(
            (session, transaction) => ((IStreamProjection)projection).RemoveAsync(stream, session.Tables(Live.Generation, transaction), cancellationToken), cancellationToken);
    }

    public Task<TableContent> ReadLiveAsync(CancellationToken cancellationToken) => ReadAsync(Live.Generation, cancellationToken);

    public async Task<TableContent> ReadAsync(int generation, CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(services, cancellationToken);
        return await TableContent.ReadAsync(connection, projection, generation, cancellationToken);
    }

    public static Task<DbConnection> OpenAsync(ServiceProvider services, CancellationToken cancellationToken) =>
        services.GetRequiredService<ReadDatabase>().OpenAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await projector.ResetAsync();
        await projector.Lease.ReleaseAsync(CancellationToken.None);
        await services.DisposeAsync();
    }
}

/// <summary>A step of a law could not be carried out.</summary>
internal sealed class LawStepException(string message) : Exception(message);

/// <summary>The projection, with batches that are rolled back on request after they were applied.</summary>
internal sealed class InterruptedProjection(IProjection inner) : IProjection
{
    /// <summary>Whether to roll back the next batch; reset once that has happened.</summary>
    public bool IsToInterrupt { get; set; }

    public string Name => inner.Name;

    public int Version => inner.Version;

    public string? Category => inner.Category;

    public IReadOnlyList<ProjectionTable> Tables => inner.Tables;

    public IReadOnlyCollection<Type> Handles => inner.Handles;

    public IReadOnlyList<ProjectedRows> Rows => inner.Rows;

    public async Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, IProjectionTables tables, CancellationToken cancellationToken)
    {
        await inner.ApplyAsync(batch, tables, cancellationToken);
        Interrupt();
    }

    public IProjectionBatch Begin() => new InterruptedBatch(inner.Begin(), this);

    private void Interrupt()
    {
        if (IsToInterrupt)
        {
            IsToInterrupt = false;
            throw new LawStepException("The transaction is to be rolled back.");
        }
    }

    private sealed class InterruptedBatch(IProjectionBatch inner, InterruptedProjection projection) : IProjectionBatch
    {
        public int Count => inner.Count;

        public long Bytes => inner.Bytes;

        public Task AddAsync(IReadOnlyList<EventEnvelope> events, IProjectionTables tables, CancellationToken cancellationToken) =>
            inner.AddAsync(events, tables, cancellationToken);

        public async Task WriteAsync(IProjectionTables tables, CancellationToken cancellationToken)
        {
            await inner.WriteAsync(tables, cancellationToken);
            projection.Interrupt();
        }
    }
}
