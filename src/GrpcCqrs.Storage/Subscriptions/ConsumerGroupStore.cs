using System.Data;
using System.Data.Common;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Readers;

namespace GrpcCqrs.Storage.Subscriptions;

/// <summary>
/// The tables of consumer groups. Each write is a short transaction; those of the process that serves a group require
/// its lease.
/// </summary>
internal sealed class ConsumerGroupStore(WriteDatabase database, TimeProvider clock)
{
    public Task<List<ConsumerGroupRow>> ListAsync(CancellationToken cancellationToken) =>
        database.QueryAsync(ConsumerGroupSql.SelectAll, Read, cancellationToken);

    public async Task<ConsumerGroupRow?> FindAsync(string name, CancellationToken cancellationToken) =>
        await database.QueryAsync(ConsumerGroupSql.SelectOne, Read, cancellationToken, ("name", name)) is [var row] ? row : null;

    /// <summary>Adds a group with its lease. False if its name is taken.</summary>
    public async Task<bool> InsertAsync(
        string name, FeedFilter filter, long startPosition, long position, bool isInProcess, CancellationToken cancellationToken)
    {
        // A fence that starts with the time is larger than that of any earlier group of this name.
        var now = UnixMicroseconds.From(clock.GetUtcNow());
        try
        {
            return await database.WriteAsync(
                async (connection, transaction) =>
                {
                    await Statement.ExecuteAsync(
                        connection, transaction, ConsumerGroupSql.Insert, cancellationToken, ("name", name), ("filter", filter.ToJson()),
                        ("start_position", startPosition), ("position", position), ("in_process", isInProcess), ("time_us", now));
                    await Statement.ExecuteAsync(connection, transaction, LeaseSql.Insert, cancellationToken, ("name", name), ("fence", now));
                    return true;
                },
                cancellationToken);
        }
        catch (DbException exception) when (database.Provider.IsDataError(exception))
        {
            return false;
        }
    }

    /// <summary>Removes a group with all its data. False if there was none.</summary>
    /// <param name="name">The group.</param>
    /// <param name="lease">The lease that must still be held; null for none.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <exception cref="LeaseLostException">Another process has taken the group over.</exception>
    public Task<bool> DeleteAsync(string name, Lease? lease, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            if (lease is not null)
            {
                await lease.AssertAsync(connection, transaction, cancellationToken);
            }

            var removed = await Statement.ExecuteAsync(connection, transaction, ConsumerGroupSql.Delete, cancellationToken, ("name", name));
            await Statement.ExecuteAsync(connection, transaction, LeaseSql.Delete, cancellationToken, ("name", name));
            await Statement.ExecuteAsync(connection, transaction, ConsumerGroupSql.DeleteAcks, cancellationToken, ("name", name));
            await Statement.ExecuteAsync(connection, transaction, ParkedEventSql.DeleteAll, cancellationToken, ("reader", name), ("generation", 0));
            await Statement.ExecuteAsync(connection, transaction, ParkedEventSql.DeleteSkipped, cancellationToken, ("reader", name));
            return removed == 1;
        },
        cancellationToken);

    /// <summary>Changes which events a group receives.</summary>
    /// <exception cref="LeaseLostException">Another process serves the group.</exception>
    public Task SetFilterAsync(Lease lease, FeedFilter filter, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            await lease.AssertAsync(connection, transaction, cancellationToken);
            return await Statement.ExecuteAsync(
                connection, transaction, ConsumerGroupSql.UpdateFilter, cancellationToken, ("filter", filter.ToJson()), ("name", lease.Name)) == 1;
        },
        cancellationToken);

    /// <summary>The progress from which a new holder continues; null if the group was removed.</summary>
    public async Task<GroupProgress?> LoadAsync(string name, CancellationToken cancellationToken)
    {
        if (await FindAsync(name, cancellationToken) is not { } row)
        {
            return null;
        }

        var unknown = await database.QueryAsync(
            ParkedEventSql.SelectByError, found => (Reader: found.GetString(0), Stream: found.GetString(1)), cancellationToken,
            ("pattern", ParkedEventStore.UnknownTypePattern));
        return new GroupProgress(
            FeedFilter.FromJson(row.Filter),
            row.IsInProcess,
            row.Position,
            row.Writes,
            await database.QueryAsync(ConsumerGroupSql.SelectAcks, found => found.GetInt64(0), cancellationToken, ("name", name)),
            await database.QueryAsync(
                ParkedEventSql.SelectPositions, found => found.GetInt64(0), cancellationToken, ("reader", name), ("after", row.Position)),
            await ReadParkedStreamsAsync(name, cancellationToken),
            [.. unknown.Where(found => found.Reader == name).Select(found => found.Stream)]);
    }

    /// <summary>Writes the changes and renews the lease.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="changes">The changes.</param>
    /// <param name="number">The number of this write, larger than those before.</param>
    /// <param name="isRepeated">Whether the same write was tried before and may have been committed.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <exception cref="LeaseLostException">Another process serves the group, or it was removed.</exception>
    public Task SaveAsync(Lease lease, GroupChanges changes, long number, bool isRepeated, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            await lease.AssertAsync(connection, transaction, cancellationToken);
            var writes = isRepeated
                ? await Statement.QueryAsync(connection, transaction, ConsumerGroupSql.SelectOne, Read, cancellationToken, ("name", lease.Name))
                : [];
            if (writes is not [var row] || row.Writes != number)
            {
                await WriteChangesAsync(connection, transaction, lease.Name, changes, number, cancellationToken);
            }

            return true;
        },
        cancellationToken);

    /// <summary>
    /// Handles events in one transaction of the write database that also records them as done, so that each takes effect
    /// exactly once. An event that an earlier attempt with an unknown outcome has handled is left out.
    /// </summary>
    /// <exception cref="HandlingFailedException">A handler failed, or broke the transaction; nothing was written.</exception>
    /// <exception cref="LeaseLostException">Another process serves the group, or it was removed.</exception>
    public async Task HandleOnceAsync(
        Lease lease, IReadOnlyList<GroupItem> items, Func<GroupItem, DbTransaction, Task> handle, CancellationToken cancellationToken)
    {
        try
        {
            await database.WriteAsync(
                async (connection, transaction) =>
                {
                    await lease.AssertAsync(connection, transaction, cancellationToken);
                    foreach (var item in items)
                    {
                        await HandleOnceAsync(connection, transaction, lease.Name, item, handle, cancellationToken);
                    }

                    return true;
                },
                cancellationToken,
                lease.Duration);
        }
        catch (DbException exception) when (database.Provider.IsDataError(exception))
        {
            // A constraint that is checked at the commit.
            throw new HandlingFailedException(exception);
        }
    }

    private static async Task HandleOnceAsync(
        DbConnection connection, DbTransaction transaction, string name, GroupItem item, Func<GroupItem, DbTransaction, Task> handle,
        CancellationToken cancellationToken)
    {
        if (item.Attempts > 1 && await IsHandledAsync(connection, transaction, name, item, cancellationToken))
        {
            return;
        }

        try
        {
            await handle(item, transaction);

            // After the handler: a transaction that it has broken or ended refuses this.
            if (item.IsReplay)
            {
                await Statement.ExecuteAsync(
                    connection, transaction, ParkedEventSql.Delete, cancellationToken, ParkedEventStore.One(name, 0, item.Position));
            }

            await AddAckAsync(connection, transaction, name, item.Position, cancellationToken);
        }
        catch (Exception exception) when (connection.State == ConnectionState.Open && !cancellationToken.IsCancellationRequested)
        {
            // A lost connection is not the handler's fault.
            throw new HandlingFailedException(exception);
        }
    }

    private static async Task<bool> IsHandledAsync(
        DbConnection connection, DbTransaction transaction, string name, GroupItem item, CancellationToken cancellationToken)
    {
        var found = await Statement.QueryAsync(
            connection, transaction, item.IsReplay ? ParkedEventSql.SelectPosition : ConsumerGroupSql.SelectAck, row => row.GetInt64(0), cancellationToken,
            ("name", name), ("position", item.Position));
        return item.IsReplay == (found.Count == 0);
    }

    /// <summary>Records that no member is connected, and releases the group.</summary>
    public async Task ReleaseAsync(Lease lease, CancellationToken cancellationToken)
    {
        if (lease.IsHeld)
        {
            await database.ExecuteAsync(ConsumerGroupSql.UpdateEnded, cancellationToken, ("name", lease.Name));
            await lease.ReleaseAsync(cancellationToken);
        }
    }

    /// <summary>Parked events of groups by position and group, of one group or, if that is empty, of all.</summary>
    public Task<List<ParkedEvent>> ReadParkedAsync(
        string name, (long Position, string Name) after, int count, CancellationToken cancellationToken) =>
        ParkedEventStore.ReadAsync(database, ParkedEventSql.SelectOfGroups, name, after, count, cancellationToken);

    /// <summary>The first parked events of a stream.</summary>
    public Task<List<ParkedEvent>> ReadParkedAsync(string name, string stream, int count, CancellationToken cancellationToken) =>
        ParkedEventStore.ReadStreamAsync(database, name, 0, stream, 0, count, cancellationToken);

    /// <summary>Each parked stream of a group.</summary>
    public async Task<IReadOnlyList<ParkedStream>> ReadParkedStreamsAsync(string name, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await ParkedEventStore.ReadStreamsAsync(connection, name, cancellationToken);
    }

    public Task<List<SkippedEvent>> ReadSkippedAsync(CancellationToken cancellationToken) => ParkedEventStore.ReadSkippedAsync(database, cancellationToken);

    /// <summary>How many events and streams each group has parked.</summary>
    public async Task<IReadOnlyDictionary<string, (long Events, long Streams)>> CountParkedAsync(CancellationToken cancellationToken)
    {
        var counts = await database.QueryAsync(
            ConsumerGroupSql.CountParked, row => (Name: row.GetString(0), Events: row.GetInt64(1), Streams: row.GetInt64(2)), cancellationToken);
        return counts.ToDictionary(count => count.Name, count => (count.Events, count.Streams), StringComparer.Ordinal);
    }

    /// <summary>
    /// Marks a stream's parked events to be delivered again, and returns their number. The process that serves the group
    /// finds the mark when it next renews its lease.
    /// </summary>
    public async Task<int> MarkRetryAsync(string name, string stream, CancellationToken cancellationToken)
    {
        var count = 0;
        await database.WriteAsync(
            async (connection, transaction) =>
            {
                await LockAsync(connection, transaction, name, cancellationToken);
                count = await MarkRetryAsync(connection, transaction, name, stream, cancellationToken);
                return true;
            },
            cancellationToken);
        return count;
    }

    /// <summary>
    /// Skips the first parked event of its stream for good, and marks the others to be delivered again. Repeating it has no
    /// further effect.
    /// </summary>
    /// <returns>
    /// Whether it is skipped; false if it is not the first of its stream, or is being delivered again; null if it is not
    /// parked.
    /// </returns>
    public async Task<bool?> SkipAsync(string name, long position, string user, CancellationToken cancellationToken)
    {
        bool? result = null;
        await database.WriteAsync(
            async (connection, transaction) =>
            {
                await LockAsync(connection, transaction, name, cancellationToken);
                if (await ParkedEventStore.FindAsync(connection, transaction, name, 0, position, cancellationToken) is not { } found)
                {
                    result = await ParkedEventStore.IsSkippedAsync(connection, transaction, name, position, cancellationToken) ? true : null;
                    return false;
                }

                var streams = await Statement.QueryAsync(
                    connection, transaction, ParkedEventSql.SelectStreams, ParkedEventStore.ReadStream, cancellationToken, ("reader", name));
                if (!streams.Exists(stream => stream.Stream == found.Stream && stream.First == position && !stream.IsRetrying))
                {
                    result = false;
                    return false;
                }

                await Statement.ExecuteAsync(connection, transaction, ParkedEventSql.Delete, cancellationToken, ParkedEventStore.One(name, 0, position));
                await Statement.ExecuteAsync(
                    connection, transaction, ParkedEventSql.InsertSkipped, cancellationToken,
                    ParkedEventStore.Skip(name, 0, position, found.Stream, found.EventType, found.Error, user, clock.GetUtcNow()));
                await MarkRetryAsync(connection, transaction, name, found.Stream, cancellationToken);
                result = true;
                return true;
            },
            cancellationToken);
        return result;
    }

    /// <summary>Makes operators' changes and the writes of the process that serves the group happen one after the other.</summary>
    private static Task LockAsync(DbConnection connection, DbTransaction transaction, string name, CancellationToken cancellationToken) =>
        Statement.ExecuteAsync(connection, transaction, LeaseSql.Lock, cancellationToken, ("name", name));

    private static Task<int> MarkRetryAsync(
        DbConnection connection, DbTransaction transaction, string name, string stream, CancellationToken cancellationToken) => Statement.ExecuteAsync(
        connection, transaction, ParkedEventSql.Mark, cancellationToken, ("retrying", 1), ("reader", name), ("generation", 0), ("stream", stream));

    private async Task WriteChangesAsync(
        DbConnection connection, DbTransaction transaction, string name, GroupChanges changes, long number, CancellationToken cancellationToken)
    {
        await RunAsync(
            ConsumerGroupSql.Update, ("position", changes.Position), ("members", changes.Members), ("in_flight", changes.InFlight), ("writes", number),
            ("name", name));
        await RunAsync(ConsumerGroupSql.TrimAcks, ("name", name), ("position", changes.Position));
        foreach (var position in changes.Acks)
        {
            await AddAckAsync(connection, transaction, name, position, cancellationToken);
        }

        foreach (var (item, failures, reason, isRetrying) in changes.Parked)
        {
            await RunAsync(
                ParkedEventSql.Insert,
                ParkedEventStore.Insert(name, 0, item.Position, item.Stream, item.Record.Record.Type, reason, failures, isRetrying, clock.GetUtcNow()));
        }

        foreach (var (position, failures, reason) in changes.ParkedAgain)
        {
            await RunAsync(ParkedEventSql.Update, ParkedEventStore.Update(name, 0, position, reason, failures, clock.GetUtcNow()));
        }

        foreach (var position in changes.Unparked)
        {
            await RunAsync(ParkedEventSql.Delete, ParkedEventStore.One(name, 0, position));
        }

        foreach (var stream in changes.NoLongerRetried)
        {
            await RunAsync(ParkedEventSql.Mark, ("retrying", 0), ("reader", name), ("generation", 0), ("stream", stream));
        }

        Task RunAsync(string text, params (string Name, object? Value)[] parameters) =>
            Statement.ExecuteAsync(connection, transaction, text, cancellationToken, parameters);
    }

    /// <summary>Records an event as done. False if it was.</summary>
    private static async Task<bool> AddAckAsync(
        DbConnection connection, DbTransaction transaction, string name, long position, CancellationToken cancellationToken) =>
        await Statement.ExecuteAsync(connection, transaction, ConsumerGroupSql.InsertAck, cancellationToken, ("name", name), ("position", position)) == 1;

    private static ConsumerGroupRow Read(DbDataReader row) => new()
    {
        Name = row.GetString(0),
        Filter = row.GetString(1),
        StartPosition = row.GetInt64(2),
        Position = row.GetInt64(3),
        IsInProcess = row.GetBoolean(4),
        Writes = row.GetInt64(5),
        Members = row.GetInt32(6),
        InFlight = row.GetInt32(7),
        TimeMicroseconds = row.GetInt64(8),
        Holder = row.GetString(9),
    };
}

/// <summary>The handler of a subscription failed, or broke the transaction that it was given.</summary>
internal sealed class HandlingFailedException(Exception cause) : Exception(cause.Message, cause);
