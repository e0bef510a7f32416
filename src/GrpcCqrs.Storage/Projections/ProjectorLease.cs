using System.Data.Common;
using GrpcCqrs.Storage.Leases;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage;

/// <summary>
/// Lets one process at a time write the read database. The holder's beat increases with every write. A contender takes
/// the lease over when the beat has not changed for the lease's duration, measured on the contender's own clock, so
/// clocks of different machines are never compared. Each holder gets a larger fencing token than the previous one, and
/// every projector transaction begins by asserting its token under the row's lock: a holder that was only suspended can
/// write nothing once it has been replaced. Fencing tokens are described in Gray and Cheriton's Leases (1989) and
/// Burrows' Chubby (2006).
/// </summary>
internal sealed partial class ProjectorLease(ReadDatabase database, IOptions<ProjectionOptions> options, TimeProvider clock, ILogger<ProjectorLease> logger)
{
    private readonly string holder = LeaseHolder.NewName();
    private (long Token, long Beat)? seen;
    private long seenAt;
    private long beatenAt;

    /// <summary>
    /// The fencing token; null if this process does not hold the lease. May be stale until the loss is noticed.
    /// </summary>
    public long? Token { get; private set; }

    /// <summary>The last known holder; for operators.</summary>
    public string Holder { get; private set; } = "";

    /// <summary>How long a holder may be silent before another process takes over.</summary>
    public TimeSpan Duration => options.Value.LeaseDuration;

    /// <summary>Whether this process holds the lease, as far as it knows.</summary>
    public bool IsHeld => Token is not null;

    /// <summary>How long a holder may write nothing before its next beat is due.</summary>
    public TimeSpan BeatInterval => Duration / 4;

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
    public async Task<bool> TryTakeAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var (current, token, beat) = await ReadAsync(connection, cancellationToken);
        Holder = current;
        if (seen != (token, beat))
        {
            seen = (token, beat);
            seenAt = clock.GetTimestamp();
        }

        if (current.Length > 0 && clock.GetElapsedTime(seenAt) < options.Value.LeaseDuration && !LeaseHolder.HasDied(current))
        {
            return false;
        }

        await using var command = Statement.Once(
            connection, null, ProjectionSql.TakeLease, ("holder", holder), ("fencing_token", token), ("beat", beat));
        if (await command.ExecuteNonQueryAsync(cancellationToken) != 1)
        {
            return false;
        }

        Token = token + 1;
        Holder = holder;
        beatenAt = clock.GetTimestamp();
        LogTaken(logger, token + 1, current);
        return true;
    }

    /// <summary>
    /// Asserts within a transaction that this process holds the lease. Locks the row until the transaction ends.
    /// </summary>
    /// <exception cref="LeaseLostException">Another process holds the lease.</exception>
    public async Task AssertAsync(DbConnection connection, DbTransaction? transaction, CancellationToken cancellationToken)
    {
        await using var command = Statement.Once(connection, transaction, ProjectionSql.KeepLease, ("fencing_token", Token ?? -1));
        await AssertAsync(command, cancellationToken);
    }

    /// <summary>The overload for a prepared statement.</summary>
    public async Task AssertAsync(DbCommand keepLease, CancellationToken cancellationToken)
    {
        if (await keepLease.ExecuteNonQueryAsync(cancellationToken) != 1)
        {
            Token = null;
            throw new LeaseLostException();
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
    public async Task FreeAsync(CancellationToken cancellationToken)
    {
        if (Token is not { } token)
        {
            return;
        }

        Token = null;
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = Statement.Once(connection, null, ProjectionSql.FreeLease, ("fencing_token", token));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<(string Holder, long Token, long Beat)> ReadAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        await using var command = Statement.Once(connection, null, ProjectionSql.SelectLease);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? (reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2))
            : throw new InvalidOperationException("The lease row is missing: the read database is not initialised or was damaged.");
    }

    [LoggerMessage(1211, LogLevel.Information, "This process projects now, with fencing token {Token}; before it was '{Previous}'")]
    private static partial void LogTaken(ILogger logger, long token, string previous);
}

/// <summary>Another process holds the lease; this one must stop writing at once.</summary>
internal sealed class LeaseLostException() : Exception("Another process has taken the projector's lease over.");
