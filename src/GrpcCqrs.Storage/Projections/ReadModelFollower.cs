using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>Learns from the checkpoints how far the process that projects has come.</summary>
internal sealed class ReadModelFollower(ReadDatabase database, ReadModel readModel, StoreIdentity identity, TimeProvider clock)
{
    /// <summary>Reads the checkpoints and publishes them.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = (await ProjectionSlots.ReadAsync(database.Provider, connection, null, cancellationToken)).FindAll(row => row.StoreId == identity.StoreId);
        var parked = await ProjectionSlots.ReadParkedAsync(database.Provider, connection, null, cancellationToken);
        var now = clock.GetUtcNow();
        readModel.Publish(
            [.. rows.Select(row => new ProjectionStatus(row.Name, row.Slot, row.State, row.Version, row.Position, 0, null, now)
            {
                ParkedEvents = parked.Where(one => one.Projection == row.Name && one.Slot == row.Slot).Sum(one => one.Count),
                Target = row.Target,
                Note = row.Note,
            })],
            name => parked.Where(one => one.Projection == name && rows.Exists(row => row.Name == name && row.Slot == one.Slot && row.State == SlotState.Live))
                .ToDictionary(one => one.Stream, one => one.First, StringComparer.Ordinal));
    }
}
