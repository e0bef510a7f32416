using System.Data.Common;
using System.Text;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.Operations;

/// <summary>Selects audit entries; null or empty matches any.</summary>
internal sealed record AuditFilter
{
    /// <summary>The command type's name.</summary>
    public string? CommandType { get; init; }

    /// <summary>The user who sent the command.</summary>
    public string? User { get; init; }

    /// <summary>The command's stream.</summary>
    public string? Stream { get; init; }

    /// <summary>The command's id.</summary>
    public Guid? CommandId { get; init; }

    /// <summary>The outcome.</summary>
    public CommandOutcome? Outcome { get; init; }

    /// <summary>Inclusive start of the time range.</summary>
    public DateTimeOffset? Start { get; init; }

    /// <summary>Exclusive end of the time range.</summary>
    public DateTimeOffset? End { get; init; }
}

/// <summary>An audit entry as stored.</summary>
/// <param name="Id">Increases over time.</param>
/// <param name="Entry">The entry.</param>
/// <param name="Position">The position of the last event that the command appended; null for none.</param>
internal sealed record StoredAuditEntry(long Id, AuditEntry Entry, long? Position);

/// <summary>Reads the audit log.</summary>
internal sealed class AuditLog(WriteDatabase database)
{
    private const string OfOneStream =
        "(SELECT * FROM audit WHERE stream = @stream AND position IS NULL"
        + " UNION ALL SELECT * FROM audit WHERE position IN (SELECT position FROM events WHERE stream = @stream)) AS audit";

    /// <summary>The matching entries, newest first.</summary>
    /// <param name="filter">The filter.</param>
    /// <param name="beforeId">Only entries with a smaller id, to continue a page; null starts at the newest.</param>
    /// <param name="maxCount">The maximum number of entries.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="DbException">The write database fails.</exception>
    public async Task<IReadOnlyList<StoredAuditEntry>> ReadAsync(AuditFilter filter, long? beforeId, int maxCount, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var stream = NullIfEmpty(filter.Stream);
        var sql = new StringBuilder("SELECT id, time_us, command_type, command_id, user_name, stream, outcome, error_reason, duration_us, position FROM ")
            .Append(stream is null ? "audit" : OfOneStream).Append(" WHERE 1 = 1");
        var parameters = new List<(string, object?)>();
        Where("id < @before_id", "before_id", beforeId);
        Where("command_type = @command_type", "command_type", NullIfEmpty(filter.CommandType));
        Where("user_name = @user_name", "user_name", NullIfEmpty(filter.User));
        Where("stream = @stream", "stream", stream);
        Where("command_id = @command_id", "command_id", filter.CommandId);
        Where("outcome = @outcome", "outcome", (int?)filter.Outcome);
        Where("time_us >= @start", "start", filter.Start is { } start ? UnixMicroseconds.From(start) : null);
        Where("time_us < @end", "end", filter.End is { } end ? UnixMicroseconds.From(end) : null);
        parameters.Add(("count", maxCount));
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = Statement.Once(
            connection, null, database.Provider.FirstRows(sql.Append(" ORDER BY id DESC").ToString()), [.. parameters]);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var entries = new List<StoredAuditEntry>();
        while (await reader.ReadAsync(cancellationToken))
        {
            entries.Add(Read(reader));
        }

        return entries;

        void Where(string condition, string name, object? value)
        {
            if (value is not null)
            {
                sql.Append(" AND ").Append(condition);
                parameters.Add((name, value));
            }
        }
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static StoredAuditEntry Read(DbDataReader reader) => new(
        reader.GetInt64(0),
        new AuditEntry
        {
            ReceivedAt = UnixMicroseconds.ToTime(reader.GetInt64(1)),
            CommandType = reader.GetString(2),
            CommandId = reader.GetGuid(3),
            User = reader.GetString(4),
            Stream = reader.IsDBNull(5) ? null : reader.GetString(5),
            Outcome = (CommandOutcome)reader.GetInt32(6),
            ErrorReason = reader.IsDBNull(7) ? null : reader.GetString(7),
            DurationMicroseconds = reader.GetInt64(8),
        },
        reader.IsDBNull(9) ? null : reader.GetInt64(9));
}
