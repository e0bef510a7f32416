using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>Reads the event log. Appends go through <see cref="AppendQueue"/>.</summary>
internal sealed class DatabaseEventStore(WriteDatabase database, AppendQueue appends) : IEventStore, IOutbox
{
    public ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellationToken) =>
        appends.AppendAsync(request, cancellationToken);

    public ValueTask<EventPage> ReadStreamAsync(StreamId stream, long fromVersion, int maxCount, CancellationToken cancellationToken) =>
        ReadPageAsync(EventSql.SelectStream(database.Provider), maxCount, cancellationToken, ("stream", stream.ToString()), ("from", fromVersion));

    public ValueTask<EventPage> ReadAllAsync(long afterPosition, int maxCount, CancellationToken cancellationToken) =>
        ReadPageAsync(EventSql.SelectAll(database.Provider), maxCount, cancellationToken, ("after", afterPosition));

    public ValueTask<EventPage> ReadPendingAsync(long afterPosition, int maxCount, CancellationToken cancellationToken) =>
        ReadPageAsync(EventSql.SelectOutbox(database.Provider), maxCount, cancellationToken, ("after", afterPosition));

    public void RequestTrim(long position) => appends.RequestTrim(position);

    public ValueTask FlushTrimAsync(CancellationToken cancellationToken) => appends.FlushTrimAsync(cancellationToken);

    public async ValueTask<long> ReadHeadAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenReaderAsync(cancellationToken);
        await using var command = Statement.Once(connection, null, EventSql.SelectHead);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    public async ValueTask<StoredSnapshot?> FindSnapshotAsync(StreamId stream, int schemaVersion, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenReaderAsync(cancellationToken);
        await using var command = Statement.Once(
            connection, null, EventSql.SelectSnapshot, ("stream", stream.ToString()), ("schema_version", schemaVersion));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new StoredSnapshot(reader.GetInt64(0), reader.GetInt64(1), reader.GetFieldValue<byte[]>(2))
            : null;
    }

    public async ValueTask<CommandRecord?> FindCommandAsync(Guid commandId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenReaderAsync(cancellationToken);
        await using var command = Statement.Once(connection, null, AppendSql.SelectCommand, ("command_id", commandId));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? CommandRows.Read(reader) : null;
    }

    private async ValueTask<EventPage> ReadPageAsync(
        string text, int maxCount, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxCount, 1);
        await using var connection = await database.OpenReaderAsync(cancellationToken);
        await using var command = Statement.Once(connection, null, text, [.. parameters, ("count", maxCount)]);
        return await EventReader.ReadPageAsync(command, maxCount, cancellationToken);
    }
}

/// <summary>The events that not every projection has applied.</summary>
internal interface IOutbox
{
    /// <summary>The pending events after a position, in order.</summary>
    ValueTask<EventPage> ReadPendingAsync(long afterPosition, int maxCount, CancellationToken cancellationToken);

    /// <summary>Requests that the next append's transaction removes the rows up to and including a position.</summary>
    void RequestTrim(long position);

    /// <summary>Runs a requested trim now, if no append has done so.</summary>
    ValueTask FlushTrimAsync(CancellationToken cancellationToken);
}

internal static class CommandRows
{
    public static CommandRecord Read(DbDataReader reader) => new(
        reader.GetGuid(0),
        reader.GetFieldValue<byte[]>(1),
        new CommandResult(
            StreamId.Parse(reader.GetString(2)), reader.GetInt64(3), reader.GetInt64(4), reader.IsDBNull(5) ? null : reader.GetString(5)));
}
