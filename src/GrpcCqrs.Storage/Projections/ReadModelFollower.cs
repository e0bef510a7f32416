using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Readers;

namespace GrpcCqrs.Storage.Projections;

/// <summary>The state of the read model, as read from the checkpoints.</summary>
/// <param name="Statuses">
/// One status for each generation in use; without failed attempts, which only the projecting process knows.
/// </param>
/// <param name="ParkedStreams">
/// By projection: the streams with parked events in its live tables, and the position of the first of each.
/// </param>
internal sealed record FollowedCheckpoints(
    IReadOnlyList<ProjectionStatus> Statuses, Func<string, IReadOnlyDictionary<string, long>> ParkedStreams);

/// <summary>
/// Reads the projecting process's progress from the checkpoints. A generation makes progress while its checkpoint moves
/// or is at the newest event. Used by one caller at a time.
/// </summary>
internal sealed class ReadModelFollower(
    ReadDatabase database, ReadModel readModel, IEventStore store, StoreIdentity identity, IEnumerable<IProjection> projections, TimeProvider clock)
{
    /// <summary>How long a checkpoint may stay unchanged before the follower reads the newest position.</summary>
    private static readonly TimeSpan HeadInterval = TimeSpan.FromSeconds(1);

    private readonly HashSet<string> names = [.. projections.Select(projection => projection.Name)];
    private Dictionary<(string Name, int Generation), Seen> all = [];
    private long head;

    /// <summary>Reads the checkpoints and publishes them.</summary>
    /// <exception cref="DbException">The read database failed.</exception>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        var followed = await ReadAsync(cancellationToken);
        readModel.Publish(followed.Statuses, followed.ParkedStreams);
    }

    /// <summary>Reads the checkpoints.</summary>
    /// <exception cref="DbException">The read database failed.</exception>
    public async Task<FollowedCheckpoints> ReadAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);

        // Ignore a projection that this version of the service does not have: its checkpoint would never move again.
        // The command line does not open the store, so it has no identity to compare.
        var rows = (await GenerationStore.ReadAsync(database.Provider, connection, null, cancellationToken))
            .FindAll(row => names.Contains(row.Name) && (row.StoreId == identity.StoreId || identity.StoreId == Guid.Empty));
        await RemoveReplacedAsync(rows, cancellationToken);
        var parked = await ParkedEventStore.ReadStreamsAsync(connection, "", cancellationToken);
        var now = clock.GetUtcNow();
        all = rows.ToDictionary(row => (row.Name, row.Generation), row => Look(row, now));
        if (all.Values.Any(seen => now - seen.ProgressTime >= HeadInterval))
        {
            await RefreshHeadWhenIdleAsync(now, cancellationToken);
        }

        return new FollowedCheckpoints(
            [.. rows.Select(row => new ProjectionStatus(row.Name, row.Generation, row.State, row.Version, row.Position, 0, null, all[(row.Name, row.Generation)].ProgressTime)
            {
                ParkedEvents = parked.Where(one => one.Reader == row.Name && one.Generation == row.Generation).Sum(one => one.Count),
                Target = row.Target,
                EventsPerSecond = all[(row.Name, row.Generation)].Rate.PerSecond,
                Note = row.Note,
            })],
            name => parked.Where(one => one.Reader == name && rows.Exists(row => row.Name == name && row.Generation == one.Generation && row.State == GenerationState.Live))
                .ToDictionary(one => one.Stream, one => one.First, StringComparer.Ordinal));
    }

    /// <summary>
    /// Ignores checkpoints past the newest event: they belong to a log that has since been replaced by a backup.
    /// </summary>
    private async Task RemoveReplacedAsync(List<GenerationRow> rows, CancellationToken cancellationToken)
    {
        if (identity.StoreId != Guid.Empty && rows.Exists(row => row.Position > head))
        {
            head = await store.ReadHeadAsync(cancellationToken);
            rows.RemoveAll(row => row.Position > head);
        }
    }

    private Seen Look(GenerationRow row, DateTimeOffset now)
    {
        if (!all.TryGetValue((row.Name, row.Generation), out var seen) || row.Position < seen.Position)
        {
            return new Seen(row.Position, now, new RateMeter(clock));
        }

        if (row.Position == seen.Position)
        {
            return seen;
        }

        seen.Rate.Add(row.Position - seen.Position);
        return seen with { Position = row.Position, ProgressTime = now };
    }

    /// <summary>Counts a checkpoint at the newest event as making progress: there was nothing to do.</summary>
    private async Task RefreshHeadWhenIdleAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        try
        {
            head = await store.ReadHeadAsync(cancellationToken);
            foreach (var (key, seen) in all.Where(pair => pair.Value.Position >= head).ToArray())
            {
                all[key] = seen with { ProgressTime = now };
            }
        }
        catch (DbException)
        {
            // The read model stays readable without the write database, which has its own health check.
        }
    }

    private sealed record Seen(long Position, DateTimeOffset ProgressTime, RateMeter Rate);
}
