using System.Globalization;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Projections;
using GrpcCqrs.Storage.Schema;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace GrpcCqrs.Testing;

/// <summary>The laws that every projection keeps, whatever its contents.</summary>
[Flags]
public enum ProjectionLaws
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>
    /// Events take effect exactly once: a rolled-back batch is delivered again, and a committed one is not, even if a
    /// restart or a process that missed the commit redelivers it. Broken by state that a projection keeps outside its
    /// tables.
    /// </summary>
    DuplicateDelivery = 1,

    /// <summary>
    /// The rows are the same however the history is split into batches, with or without a restart in between. Broken by
    /// rows that depend on the other events in a batch.
    /// </summary>
    AnyCut = 2,

    /// <summary>
    /// A new generation, filled in large batches, has the same contents as the live one, filled event by event. Broken
    /// by statements that name a table without braces, and by state shared between the two.
    /// </summary>
    RebuildEqualsLive = 4,

    /// <summary>
    /// Streams may be interleaved in any order, as long as each keeps its own. Broken by rows of several streams where
    /// the last write wins. A projection that is meant to show the order of events, such as a feed, declares
    /// <see cref="DependsOnPositionsAttribute"/> and is not checked.
    /// </summary>
    StreamOrder = 8,

    /// <summary>
    /// Removing and refolding a stream changes nothing, and removing it alone is as if it had never existed. For
    /// <see cref="IStreamProjection"/> only; other projections are not checked.
    /// </summary>
    RemoveAndRefold = 16,

    /// <summary>All laws.</summary>
    All = DuplicateDelivery | AnyCut | RebuildEqualsLive | StreamOrder | RemoveAndRefold,
}

/// <summary>
/// Checks that projections keep the laws of <see cref="ProjectionLaws"/>, using the engine's own projector,
/// checkpoints, rebuilder and replay, on a separate read database: SQLite in a temporary folder, without a host.
/// <code>
/// await using var checker = await ProjectionChecker.OnSqliteAsync(types, options => new ShopReadDbContext(options));
/// var history = ProjectionHistory.Of(types, [(new StreamId("book", "1"), new BookAdded("Title")), …]);
/// await checker.CheckAsync(new BookListProjection(), history, seed: 42);
/// checker.EnsureCovered(new BookListProjection());
/// </code>
/// Histories can also come from the generators of a property-testing library. The seed determines all randomness here:
/// how the history is split, and the order of its streams. Used by one caller at a time.
/// </summary>
public sealed class ProjectionChecker : IAsyncDisposable
{
    private readonly DirectoryInfo directory;
    private readonly EventTypeRegistry types;
    private readonly Func<DbContextOptions, ReadDbContext> createContext;
    private readonly HistoryStore store = new();
    private readonly Dictionary<string, ProjectionCoverage> coverage = new(StringComparer.Ordinal);

    private ProjectionChecker(DirectoryInfo directory, EventTypeRegistry types, Func<DbContextOptions, ReadDbContext> createContext)
    {
        this.directory = directory;
        this.types = types;
        this.createContext = createContext;
    }

    /// <summary>Creates the database.</summary>
    /// <param name="types">The service's event types.</param>
    /// <param name="createContext">Creates the service's read context for SQLite.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    public static async Task<ProjectionChecker> OnSqliteAsync(
        EventTypeRegistry types, Func<DbContextOptions, ReadDbContext> createContext, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(types);
        ArgumentNullException.ThrowIfNull(createContext);
        var checker = new ProjectionChecker(Directory.CreateTempSubdirectory("projection-laws-"), types, createContext);
        try
        {
            await using var services = checker.Services(null);
            var database = services.GetRequiredService<ReadDatabase>();
            await database.Provider.PrepareMigrationAsync(database.ConnectionString, cancellationToken);
            await using var context = new ReadSchemaContext(database.ContextOptions());
            await context.Database.MigrateAsync(cancellationToken);
            return checker;
        }
        catch
        {
            await checker.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Creates a projection whose constructor needs services of the engine, such as the <see cref="ReadDatabase"/>.
    /// </summary>
    public IProjection Create(Type projection)
    {
        using var services = Services(null);
        return (IProjection)ActivatorUtilities.CreateInstance(services, projection);
    }

    /// <summary>Checks a projection on a history.</summary>
    /// <param name="projection">The projection.</param>
    /// <param name="history">The history. A few streams of a few dozen events find most bugs.</param>
    /// <param name="seed">Determines all randomness.</param>
    /// <param name="laws">
    /// The laws to check. Default: all that apply to the projection; see <see cref="DependsOnPositionsAttribute"/>.
    /// </param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <exception cref="LawBrokenException">
    /// A law does not hold. The message says which one, how that was found, and the first row that differs.
    /// </exception>
    public async Task CheckAsync(
        IProjection projection, ProjectionHistory history, int seed, ProjectionLaws laws = ProjectionLaws.All, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(projection);
        ArgumentNullException.ThrowIfNull(history);
        if (projection.GetType().IsDefined(typeof(DependsOnPositionsAttribute), inherit: true))
        {
            laws &= ~ProjectionLaws.StreamOrder;
        }

        CoverageOf(projection).Add(types, history);
        var run = new LawRun(this, projection, history, seed, cancellationToken);
        foreach (var law in Enum.GetValues<ProjectionLaws>().Where(law => int.IsPow2((int)law) && laws.HasFlag(law)))
        {
            await run.CheckAsync(law);
        }
    }

    /// <summary>
    /// Requires that the histories checked so far contained every event type that the projection handles, and produced
    /// rows in each of its tables. A fold of an event that is in no history passes every law.
    /// </summary>
    /// <param name="projection">The projection.</param>
    /// <param name="historiesFile">The file that the histories are written in, for the message; empty to leave it out.</param>
    /// <exception cref="HistoryGapException">They did not; the message says what to add, and where.</exception>
    public void EnsureCovered(IProjection projection, string historiesFile = "")
    {
        ArgumentNullException.ThrowIfNull(projection);
        string[] gaps = [.. CoverageOf(projection).Gaps(types, projection, historiesFile.Length > 0 ? $" in {historiesFile}" : "")];
        if (gaps.Length > 0)
        {
            throw new HistoryGapException(string.Join(Environment.NewLine, gaps));
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        SqliteConnection.ClearAllPools();
        directory.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    internal async Task<ProjectingProcess> StartAsync(IProjection projection, ProjectionHistory history, bool isAnew, CancellationToken cancellationToken)
    {
        store.History = history;
        var services = Services(projection);
        if (isAnew)
        {
            // Without its checkpoints the engine starts a projection anew, with empty tables.
            await using var connection = await ProjectingProcess.OpenAsync(services, cancellationToken);
            await using var command = connection.CreateCommand();
            command.CommandText = "DELETE FROM projections; DELETE FROM parked_events;";
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        return await ProjectingProcess.StartAsync(services, store, projection, cancellationToken);
    }

    internal void Saw(IProjection projection, TableContent content) => CoverageOf(projection).Add(content);

    private ProjectionCoverage CoverageOf(IProjection projection)
    {
        if (!coverage.TryGetValue(projection.Name, out var seen))
        {
            coverage.Add(projection.Name, seen = new ProjectionCoverage());
        }

        return seen;
    }

    private ServiceProvider Services(IProjection? projection) => ProjectingProcess.Services(directory, types, createContext, store, projection);
}

/// <summary>A projection breaks a law.</summary>
/// <param name="projection">The projection's name.</param>
/// <param name="law">The law.</param>
/// <param name="how">How it was found: the split, the order or the stream.</param>
/// <param name="seed">The seed that reproduces it.</param>
/// <param name="difference">The first difference, in words.</param>
/// <param name="innerException">The exception of the projection, if it threw one.</param>
public sealed class LawBrokenException(string projection, ProjectionLaws law, string how, int seed, string difference, Exception? innerException = null)
    : Exception(string.Create(CultureInfo.InvariantCulture, $"{projection} breaks the law {law} ({how}; seed {seed}): {difference}"), innerException)
{
    /// <summary>The law.</summary>
    public ProjectionLaws Law { get; } = law;
}
