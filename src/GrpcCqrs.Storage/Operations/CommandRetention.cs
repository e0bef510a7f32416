using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage.Operations;

/// <summary>How long executed commands can be repeated. Configuration section <c>Commands</c>.</summary>
public sealed class CommandRetentionOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Commands";

    /// <summary>
    /// After this time a command id is deleted, and a later repetition is executed again. Null, the default: never. At
    /// least one minute, to outlast any caller's retries.
    /// </summary>
    public TimeSpan? Retention { get; set; }
}

/// <summary>Deletes old command ids.</summary>
internal sealed class CommandRetention
{
    private readonly WriteDatabase database;
    private readonly AppendQueue appends;
    private readonly TimeProvider clock;
    private readonly TimeSpan? retention;

    internal CommandRetention(WriteDatabase database, AppendQueue appends, IOptions<CommandRetentionOptions> options, TimeProvider clock)
    {
        this.database = database;
        this.appends = appends;
        this.clock = clock;
        retention = options.Value.Retention;
    }

    /// <summary>
    /// Deletes the command ids past their retention, a bounded number per transaction, and returns their number.
    /// </summary>
    /// <exception cref="System.Data.Common.DbException">The write database fails.</exception>
    /// <exception cref="EventSourcing.RejectedException">
    /// The append queue is full; the rest is deleted next time.
    /// </exception>
    public async Task<long> DeleteExpiredAsync(CancellationToken cancellationToken)
    {
        if (retention is not { } age)
        {
            return 0;
        }

        var before = clock.GetUtcNow() - age;
        var found = await CountAsync(before, cancellationToken);
        for (var left = found; left > 0; left -= AppendSession.MaxDeletedCommands)
        {
            await appends.DeleteCommandsAsync(before, cancellationToken);
        }

        return found;
    }

    private async Task<long> CountAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = Statement.Once(
            connection, null, "SELECT COUNT(*) FROM commands WHERE time_us < @before", ("before", UnixMicroseconds.From(before)));
        return Convert.ToInt64(await command.ExecuteScalarAsync(cancellationToken), System.Globalization.CultureInfo.InvariantCulture);
    }
}
