using System.Data;
using System.Data.Common;

namespace GrpcCqrs.Storage;

/// <summary>The lease on a group: the right to write it until another process takes it over.</summary>
internal sealed class GroupLease(string name, long fence, long beat)
{
    public string Name { get; } = name;

    /// <summary>The fencing token that every write requires.</summary>
    public long Fence { get; } = fence;

    /// <summary>The number of the last write, which identifies a write whose outcome is unknown.</summary>
    public long Beat { get; set; } = beat;
}

/// <summary>
/// The tables of consumer groups. Each write is a short transaction that requires the holder's fence.
/// </summary>
internal sealed class ConsumerGroupStore(WriteDatabase database, TimeProvider clock)
{
    public async Task<IReadOnlyList<ConsumerGroupRow>> ListAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await QueryAsync(connection, null, ConsumerGroupSql.SelectGroups, ReadGroup, cancellationToken);
    }

    public async Task<ConsumerGroupRow?> FindAsync(string name, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await FindAsync(connection, null, name, cancellationToken);
    }

    /// <summary>Adds a group. False if its name is taken.</summary>
    public async Task<bool> InsertAsync(string name, FeedFilter filter, long startPosition, long position, CancellationToken cancellationToken)
    {
        // A fence that starts with the time is larger than that of any earlier group of this name.
        var now = UnixMicroseconds.From(clock.GetUtcNow());
        try
        {
            return await WriteAsync(
                async (connection, transaction) => await ExecuteAsync(
                    connection, transaction, ConsumerGroupSql.InsertGroup, cancellationToken, ("name", name), ("filter", filter.ToJson()),
                    ("start_position", startPosition), ("position", position), ("fence", now), ("time_us", now)) == 1,
                cancellationToken);
        }
        catch (DbException exception) when (database.Provider.IsDataError(exception))
        {
            return false;
        }
    }

    /// <summary>Removes a group with all its data. False if there was none.</summary>
    public Task<bool> DeleteAsync(string name, CancellationToken cancellationToken) => WriteAsync(
        async (connection, transaction) =>
        {
            var removed = await ExecuteAsync(connection, transaction, ConsumerGroupSql.DeleteGroup, cancellationToken, ("name", name));
            await ExecuteAsync(connection, transaction, ConsumerGroupSql.DeleteGroupAcks, cancellationToken, ("name", name));
            await ExecuteAsync(connection, transaction, ConsumerGroupSql.DeleteGroupParked, cancellationToken, ("name", name));
            return removed == 1;
        },
        cancellationToken);

    /// <summary>Takes a group over, if it is unchanged since it was read; null if another process was first.</summary>
    public async Task<GroupLease?> TakeAsync(ConsumerGroupRow seen, string holder, CancellationToken cancellationToken)
    {
        var isTaken = await WriteAsync(
            async (connection, transaction) => await ExecuteAsync(
                connection, transaction, ConsumerGroupSql.TakeGroup, cancellationToken, ("holder", holder), ("name", seen.Name), ("fence", seen.Fence), ("beat", seen.Beat)) == 1,
            cancellationToken);
        return isTaken ? new GroupLease(seen.Name, seen.Fence + 1, seen.Beat + 1) : null;
    }

    /// <summary>The progress from which a new holder continues.</summary>
    public async Task<GroupProgress?> LoadAsync(GroupLease lease, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        if (await FindAsync(connection, null, lease.Name, cancellationToken) is not { } row || row.Fence != lease.Fence)
        {
            return null;
        }

        return new GroupProgress(
            row.Position,
            await QueryAsync(connection, null, ConsumerGroupSql.SelectGroupAcks, reader => reader.GetInt64(0), cancellationToken, ("name", lease.Name)),
            await QueryAsync(
                connection, null, ConsumerGroupSql.SelectParkedPositions, reader => reader.GetInt64(0), cancellationToken, ("name", lease.Name), ("after", row.Position)),
            await QueryAsync(
                connection, null, ConsumerGroupSql.SelectGroupParkedStreams, reader => (reader.GetString(0), ToInt(reader, 1), ToInt(reader, 2) == 1), cancellationToken, ("name", lease.Name)));
    }

    /// <summary>Writes the changes and renews the lease. False if the holder has lost the group.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="changes">The changes.</param>
    /// <param name="isRepeated">Whether the same write was tried before and may have been committed.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    public async Task<bool> SaveAsync(GroupLease lease, GroupChanges changes, bool isRepeated, CancellationToken cancellationToken)
    {
        var isHeld = await WriteAsync(
            async (connection, transaction) =>
            {
                if (isRepeated && await FindAsync(connection, transaction, lease.Name, cancellationToken) is { } row
                    && row.Fence == lease.Fence && row.Beat == lease.Beat + 1)
                {
                    return true;
                }

                if (!await MoveAsync(connection, transaction, lease, changes, cancellationToken))
                {
                    return false;
                }

                await WriteChangesAsync(connection, transaction, lease.Name, changes, cancellationToken);
                return true;
            },
            cancellationToken);
        lease.Beat += isHeld ? 1 : 0;
        return isHeld;
    }

    /// <summary>Releases a group, so that another process can take it over at once.</summary>
    public Task ReleaseAsync(GroupLease lease, CancellationToken cancellationToken) => WriteAsync(
        async (connection, transaction) =>
            await ExecuteAsync(connection, transaction, ConsumerGroupSql.ReleaseGroup, cancellationToken, ("name", lease.Name), ("fence", lease.Fence)) == 1,
        cancellationToken);

    /// <summary>Some parked events of a group after a position, optionally with the skipped ones.</summary>
    public async Task<IReadOnlyList<GroupParkedEventRow>> ReadParkedAsync(
        string name, string? stream, long after, int maxCount, bool withSkipped, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return stream is null
            ? await QueryAsync(
                connection, null, withSkipped ? ConsumerGroupSql.SelectParkedAndSkipped(database.Provider) : ConsumerGroupSql.SelectGroupParked(database.Provider), ReadParked, cancellationToken,
                ("name", name), ("after", after), ("count", maxCount))
            : await QueryAsync(
                connection, null, ConsumerGroupSql.SelectGroupParkedOfStream(database.Provider), ReadParked, cancellationToken,
                ("name", name), ("stream", stream), ("after", after), ("count", maxCount));
    }

    public async Task<GroupParkedEventRow?> FindParkedAsync(string name, long position, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await QueryAsync(connection, null, ConsumerGroupSql.SelectParkedEvent, ReadParked, cancellationToken, ("name", name), ("position", position))) is [var row] ? row : null;
    }

    /// <summary>How many events and streams each group has parked.</summary>
    public async Task<IReadOnlyDictionary<string, (long Events, long Streams)>> CountParkedAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var counts = await QueryAsync(
            connection, null, ConsumerGroupSql.SelectParkedCounts, reader => (reader.GetString(0), (long)ToInt(reader, 1), (long)ToInt(reader, 2)), cancellationToken);
        return counts.ToDictionary(count => count.Item1, count => (count.Item2, count.Item3), StringComparer.Ordinal);
    }

    private async Task<bool> MoveAsync(
        DbConnection connection, DbTransaction transaction, GroupLease lease, GroupChanges changes, CancellationToken cancellationToken) =>
        await ExecuteAsync(
            connection, transaction, ConsumerGroupSql.MoveGroup, cancellationToken, ("position", changes.Position), ("members", changes.Members),
            ("in_flight", changes.InFlight), ("name", lease.Name), ("fence", lease.Fence)) == 1;

    private async Task WriteChangesAsync(DbConnection connection, DbTransaction transaction, string name, GroupChanges changes, CancellationToken cancellationToken)
    {
        await ExecuteAsync(connection, transaction, ConsumerGroupSql.TrimGroupAcks, cancellationToken, ("name", name), ("position", changes.Position));
        foreach (var position in changes.Acks)
        {
            await ExecuteAsync(connection, transaction, ConsumerGroupSql.InsertGroupAck, cancellationToken, ("name", name), ("position", position));
        }

        foreach (var row in changes.Parked)
        {
            await ExecuteAsync(
                connection, transaction, ConsumerGroupSql.InsertGroupParked, cancellationToken, ("name", name), ("position", row.Position), ("stream", row.Stream),
                ("failures", row.Failures), ("reason", row.Reason), ("retrying", row.IsRetrying), ("time_us", row.TimeMicroseconds));
        }

        foreach (var (position, failures, reason) in changes.ParkedAgain)
        {
            await ExecuteAsync(
                connection, transaction, ConsumerGroupSql.UpdateGroupParked, cancellationToken, ("failures", failures), ("reason", reason),
                ("time_us", UnixMicroseconds.From(clock.GetUtcNow())), ("name", name), ("position", position));
        }

        foreach (var position in changes.Unparked)
        {
            await ExecuteAsync(connection, transaction, ConsumerGroupSql.DeleteGroupParkedEvent, cancellationToken, ("name", name), ("position", position));
        }

        foreach (var (position, user) in changes.Skips)
        {
            await ExecuteAsync(
                connection, transaction, ConsumerGroupSql.SkipParked, cancellationToken, ("user_name", user), ("time_us", UnixMicroseconds.From(clock.GetUtcNow())),
                ("name", name), ("position", position));
        }

        foreach (var (stream, isRetrying) in changes.Marks)
        {
            await ExecuteAsync(
                connection, transaction, ConsumerGroupSql.MarkParkedStream, cancellationToken, ("retrying", isRetrying ? 1 : 0), ("name", name), ("stream", stream));
        }
    }

    /// <summary>
    /// Each statement sees what was committed before it, as in the append queue, so that a moved fence is seen as such
    /// and does not cause a conflict. False rolls the transaction back.
    /// </summary>
    private async Task<bool> WriteAsync(Func<DbConnection, DbTransaction, Task<bool>> write, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await database.Provider.PrepareGroupWriterAsync(connection, cancellationToken);
        using var turn = await database.WaitForWriterAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
        if (!await write(connection, transaction))
        {
            return false;
        }

        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    private async Task<ConsumerGroupRow?> FindAsync(DbConnection connection, DbTransaction? transaction, string name, CancellationToken cancellationToken) =>
        (await QueryAsync(connection, transaction, ConsumerGroupSql.SelectGroup, ReadGroup, cancellationToken, ("name", name))) is [var row] ? row : null;

    private static async Task<int> ExecuteAsync(
        DbConnection connection, DbTransaction transaction, string text, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        await using var command = Statement.Once(connection, transaction, text, parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<List<T>> QueryAsync<T>(
        DbConnection connection, DbTransaction? transaction, string text, Func<DbDataReader, T> read, CancellationToken cancellationToken,
        params (string Name, object? Value)[] parameters)
    {
        await using var command = Statement.Once(connection, transaction, text, parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    private static ConsumerGroupRow ReadGroup(DbDataReader reader) => new()
    {
        Name = reader.GetString(0),
        Filter = reader.GetString(1),
        StartPosition = reader.GetInt64(2),
        Position = reader.GetInt64(3),
        Holder = reader.GetString(4),
        Fence = reader.GetInt64(5),
        Beat = reader.GetInt64(6),
        Members = reader.GetInt32(7),
        InFlight = reader.GetInt32(8),
        TimeMicroseconds = reader.GetInt64(9),
    };

    private static GroupParkedEventRow ReadParked(DbDataReader reader) => new()
    {
        GroupName = "",
        Position = reader.GetInt64(0),
        Stream = reader.GetString(1),
        Failures = reader.GetInt32(2),
        Reason = reader.IsDBNull(3) ? null : reader.GetString(3),
        IsRetrying = reader.GetInt32(4),
        TimeMicroseconds = reader.GetInt64(5),
        SkippedBy = reader.IsDBNull(6) ? null : reader.GetString(6),
        SkippedMicroseconds = reader.IsDBNull(7) ? null : reader.GetInt64(7),
    };

    /// <summary>Databases return counts in different integer types.</summary>
    private static int ToInt(DbDataReader reader, int column) =>
        Convert.ToInt32(reader.GetValue(column), System.Globalization.CultureInfo.InvariantCulture);
}
