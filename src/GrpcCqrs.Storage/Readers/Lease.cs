using System.Data.Common;
using GrpcCqrs.Storage.Databases;
using Microsoft.Extensions.Logging;

namespace GrpcCqrs.Storage.Readers;

/// <summary>
/// Lets one process at a time write what the lease is for. The holder's beat increases with every write. A contender
/// takes the lease over when the beat has not changed for the lease's duration, measured on the contender's own clock,
/// so clocks of different machines are never compared; or at once if the holder was a process on this machine that has
/// ended. Each holder gets a larger fence than the previous one, and every transaction of a holder begins by asserting
/// its fence under the row's lock: a holder that was only suspended can write nothing once it has been replaced. Fencing
/// tokens are described in Gray and Cheriton's Leases (1989) and Burrows' Chubby (2006). Used by one caller at a time.
/// </summary>
/// <param name="database">The database that holds the lease, and what it protects.</param>
/// <param name="name">What it is for; its row exists.</param>
/// <param name="duration">How long a holder may be silent before another process takes over.</param>
/// <param name="clock">Measures the silence.</param>
/// <param name="logger">For take-overs.</param>
/// <param name="holder">This process, for leases that it may take again at once; null for a name of its own.</param>
internal sealed partial class Lease(
    Database database, string name, TimeSpan duration, TimeProvider clock, ILogger logger, string? holder = null)
{
    /// <summary>The lease that projections are written under, in the read database.</summary>
    public const string Projector = "projector";

    private readonly string holder = holder ?? LeaseHolder.NewName();
    private (long Fence, long Beat)? seen;
    private long seenAt;
    private long beatenAt;

    /// <summary>What it is for.</summary>
    public string Name => name;

    /// <summary>
    /// The fencing token; null if this process does not hold the lease. May be stale until the loss is noticed.
    /// </summary>
    public long? Fence { get; private set; }

    /// <summary>The last known holder; for operators.</summary>
    public string Holder { get; private set; } = "";

    /// <summary>How long a holder may be silent before another process takes over.</summary>
    public TimeSpan Duration => duration;

    /// <summary>How long a holder may write nothing before its next beat is due.</summary>
    public TimeSpan BeatInterval => duration / 4;

    /// <summary>Whether this process holds the lease, as far as it knows.</summary>
    public bool IsHeld => Fence is not null;

    /// <summary>
    /// How long until this process may take the lease over if its holder stays silent; as of the last attempt.
    /// </summary>
    public TimeSpan ExpiresIn
    {
        get
        {
            var left = duration - clock.GetElapsedTime(seenAt);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>
    /// The current holder, or the last one if it died; empty if there is none. Also whether it is this process.
    /// </summary>
    public async Task<(string Holder, bool IsThisProcess)> ReadHolderAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var (current, _, _) = await ReadAsync(connection, cancellationToken);
        return (current, current == holder);
    }

    /// <summary>Takes the lease if it is free or has expired.</summary>
    /// <exception cref="LeaseMissingException">The lease's row does not exist.</exception>
    public async Task<bool> TryTakeAsync(CancellationToken cancellationToken)
    {
        var (current, fence, beat) = await ReadAsync(cancellationToken);
        Holder = current;
        if (seen != (fence, beat))
        {
            seen = (fence, beat);
            seenAt = clock.GetTimestamp();
        }

        if (current.Length > 0 && current != holder && ExpiresIn > TimeSpan.Zero && !LeaseHolder.HasDied(current))
        {
            return false;
        }

        if (await database.ExecuteAsync(LeaseSql.Take, cancellationToken, ("holder", holder), ("name", name), ("fence", fence), ("beat", beat)) != 1)
        {
            return false;
        }

        Fence = fence + 1;
        Holder = holder;
        beatenAt = clock.GetTimestamp();
        LogTaken(logger, name, fence + 1, current);
        return true;
    }

    /// <summary>
    /// Asserts within a transaction that this process holds the lease. Locks the row until the transaction ends.
    /// </summary>
    /// <exception cref="LeaseLostException">Another process holds the lease, or it was removed.</exception>
    public async Task AssertAsync(DbConnection connection, DbTransaction? transaction, CancellationToken cancellationToken)
    {
        await using var command = Statement.Once(connection, transaction, LeaseSql.Keep, ("name", name), ("fence", Fence ?? -1));
        await AssertAsync(command, cancellationToken);
    }

    /// <summary>The overload for a prepared statement of <see cref="LeaseSql.Keep"/>.</summary>
    public async Task AssertAsync(DbCommand keep, CancellationToken cancellationToken)
    {
        if (await keep.ExecuteNonQueryAsync(cancellationToken) != 1)
        {
            Fence = null;
            throw new LeaseLostException(name);
        }

        beatenAt = clock.GetTimestamp();
    }

    /// <summary>Renews the lease if this process has written nothing for a while.</summary>
    /// <exception cref="LeaseLostException">Another process has taken the lease over.</exception>
    public async Task BeatAsync(CancellationToken cancellationToken)
    {
        if (clock.GetElapsedTime(beatenAt) >= BeatInterval)
        {
            await using var connection = await database.OpenAsync(cancellationToken);
            await AssertAsync(connection, null, cancellationToken);
        }
    }

    /// <summary>Releases the lease, so that another process need not wait for it to expire.</summary>
    public async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        if (Fence is { } fence)
        {
            Fence = null;
            await database.ExecuteAsync(LeaseSql.Release, cancellationToken, ("name", name), ("fence", fence));
        }
    }

    private async Task<(string Holder, long Fence, long Beat)> ReadAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await ReadAsync(connection, cancellationToken);
    }

    private async Task<(string Holder, long Fence, long Beat)> ReadAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        await using var command = Statement.Once(connection, null, LeaseSql.Select, ("name", name));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? (reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2))
            : throw new LeaseMissingException(name);
    }

    [LoggerMessage(1211, LogLevel.Information, "This process holds the lease '{Lease}' now, with fence {Fence}; before it was '{Previous}'")]
    private static partial void LogTaken(ILogger logger, string lease, long fence, string previous);
}

/// <summary>Another process holds the lease; this one must stop writing at once.</summary>
internal sealed class LeaseLostException(string lease) : Exception($"Another process has taken the lease '{lease}' over.");

/// <summary>The lease's row does not exist: what it is for was removed, or the database was damaged.</summary>
internal sealed class LeaseMissingException(string lease) : Exception($"The database has no lease '{lease}': what it is for was removed, or the database was damaged.");
