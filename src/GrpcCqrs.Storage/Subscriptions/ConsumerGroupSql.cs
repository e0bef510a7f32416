namespace GrpcCqrs.Storage.Subscriptions;

/// <summary>The statements of consumer groups.</summary>
internal static class ConsumerGroupSql
{
    private const string Columns = "name, filter, start_position, position, in_process, writes, members, in_flight, time_us";

    private const string SelectWithHolder =
        "SELECT g.name, g.filter, g.start_position, g.position, g.in_process, g.writes, g.members, g.in_flight, g.time_us,"
        + " COALESCE(l.holder, '') FROM consumer_groups g LEFT JOIN leases l ON l.name = g.name";

    /// <summary>All groups.</summary>
    public const string SelectAll = $"{SelectWithHolder} ORDER BY g.name";

    /// <summary>One group.</summary>
    public const string SelectOne = $"{SelectWithHolder} WHERE g.name = @name";

    /// <summary>Adds a group.</summary>
    public const string Insert =
        $"INSERT INTO consumer_groups ({Columns})"
        + " VALUES (@name, @filter, @start_position, @position, @in_process, 0, 0, 0, @time_us)";

    /// <summary>Removes a group.</summary>
    public const string Delete = "DELETE FROM consumer_groups WHERE name = @name";

    /// <summary>Removes a group's acknowledgements.</summary>
    public const string DeleteAcks = "DELETE FROM consumer_acks WHERE group_name = @name";

    /// <summary>Writes a group's progress.</summary>
    public const string Update =
        "UPDATE consumer_groups SET position = @position, members = @members, in_flight = @in_flight, writes = @writes"
        + " WHERE name = @name";

    /// <summary>Changes which events a group receives.</summary>
    public const string UpdateFilter = "UPDATE consumer_groups SET filter = @filter WHERE name = @name";

    /// <summary>Records that no member is connected.</summary>
    public const string UpdateEnded = "UPDATE consumer_groups SET members = 0, in_flight = 0 WHERE name = @name";

    /// <summary>A group's out-of-order acknowledgements.</summary>
    public const string SelectAcks = "SELECT position FROM consumer_acks WHERE group_name = @name ORDER BY position";

    /// <summary>One out-of-order acknowledgement.</summary>
    public const string SelectAck = "SELECT position FROM consumer_acks WHERE group_name = @name AND position = @position";

    /// <summary>Adds an out-of-order acknowledgement, unless it exists.</summary>
    public const string InsertAck =
        "INSERT INTO consumer_acks (group_name, position) SELECT @name, @position"
        + " WHERE NOT EXISTS (SELECT 1 FROM consumer_acks WHERE group_name = @name AND position = @position)";

    /// <summary>Removes the acknowledgements that the group's position covers.</summary>
    public const string TrimAcks = "DELETE FROM consumer_acks WHERE group_name = @name AND position <= @position";

    /// <summary>How many events each group has parked.</summary>
    public const string CountParked =
        "SELECT reader, CAST(COUNT(*) AS BIGINT), CAST(COUNT(DISTINCT stream) AS BIGINT) FROM parked_events GROUP BY reader";
}
