namespace GrpcCqrs.Storage;

/// <summary>The statements of consumer groups.</summary>
internal static class ConsumerGroupSql
{
    private const string GroupColumns = "name, filter, start_position, position, holder, fence, beat, members, in_flight, time_us";
    private const string ParkedColumns = "position, stream, failures, reason, retrying, time_us, skipped_by, skipped_us";

    /// <summary>All groups.</summary>
    public const string SelectGroups = $"SELECT {GroupColumns} FROM consumer_groups ORDER BY name";

    /// <summary>One group.</summary>
    public const string SelectGroup = $"SELECT {GroupColumns} FROM consumer_groups WHERE name = @name";

    /// <summary>Adds a group without a holder.</summary>
    public const string InsertGroup =
        $"INSERT INTO consumer_groups ({GroupColumns})"
        + " VALUES (@name, @filter, @start_position, @position, '', @fence, 0, 0, 0, @time_us)";

    /// <summary>Removes a group.</summary>
    public const string DeleteGroup = "DELETE FROM consumer_groups WHERE name = @name";

    /// <summary>Removes a group's acknowledgements.</summary>
    public const string DeleteGroupAcks = "DELETE FROM consumer_acks WHERE group_name = @name";

    /// <summary>Removes a group's parked events.</summary>
    public const string DeleteGroupParked = "DELETE FROM parked_events WHERE group_name = @name";

    /// <summary>Takes a group over, if it is unchanged since it was read.</summary>
    public const string TakeGroup =
        "UPDATE consumer_groups SET holder = @holder, fence = fence + 1, beat = beat + 1"
        + " WHERE name = @name AND fence = @fence AND beat = @beat";

    /// <summary>Advances a group and renews its lease, if the holder still has it.</summary>
    public const string MoveGroup =
        "UPDATE consumer_groups SET position = @position, beat = beat + 1, members = @members, in_flight = @in_flight"
        + " WHERE name = @name AND fence = @fence";

    /// <summary>Releases a group.</summary>
    public const string ReleaseGroup =
        "UPDATE consumer_groups SET holder = '', beat = beat + 1, members = 0, in_flight = 0"
        + " WHERE name = @name AND fence = @fence";

    /// <summary>A group's out-of-order acknowledgements.</summary>
    public const string SelectGroupAcks = "SELECT position FROM consumer_acks WHERE group_name = @name ORDER BY position";

    /// <summary>Adds an out-of-order acknowledgement.</summary>
    public const string InsertGroupAck = "INSERT INTO consumer_acks (group_name, position) VALUES (@name, @position)";

    /// <summary>Removes the acknowledgements that the group's position covers.</summary>
    public const string TrimGroupAcks = "DELETE FROM consumer_acks WHERE group_name = @name AND position <= @position";

    /// <summary>Parks an event.</summary>
    public const string InsertGroupParked =
        "INSERT INTO parked_events (group_name, position, stream, failures, reason, retrying, time_us)"
        + " VALUES (@name, @position, @stream, @failures, @reason, @retrying, @time_us)";

    /// <summary>Updates the reason when a parked event fails again.</summary>
    public const string UpdateGroupParked =
        "UPDATE parked_events SET failures = failures + @failures, reason = @reason, time_us = @time_us"
        + " WHERE group_name = @name AND position = @position";

    /// <summary>Removes a parked event that was acknowledged after all.</summary>
    public const string DeleteGroupParkedEvent =
        "DELETE FROM parked_events WHERE group_name = @name AND position = @position";

    /// <summary>Sets whether a stream's parked events are to be redelivered.</summary>
    public const string MarkParkedStream =
        "UPDATE parked_events SET retrying = @retrying"
        + " WHERE group_name = @name AND stream = @stream AND skipped_us IS NULL";

    /// <summary>Skips a parked event; the row is kept as the record of it.</summary>
    public const string SkipParked =
        "UPDATE parked_events SET skipped_by = @user_name, skipped_us = @time_us, retrying = 0"
        + " WHERE group_name = @name AND position = @position AND skipped_us IS NULL";

    /// <summary>
    /// A group's parked streams, each with its number of events and whether they are to be redelivered.
    /// </summary>
    public const string SelectGroupParkedStreams =
        "SELECT stream, COUNT(*), MAX(retrying) FROM parked_events WHERE group_name = @name AND skipped_us IS NULL"
        + " GROUP BY stream";

    /// <summary>How many events each group has parked.</summary>
    public const string SelectParkedCounts =
        "SELECT group_name, COUNT(*), COUNT(DISTINCT stream) FROM parked_events WHERE skipped_us IS NULL"
        + " GROUP BY group_name";

    /// <summary>The parked and skipped events after a position.</summary>
    public const string SelectParkedPositions =
        "SELECT position FROM parked_events WHERE group_name = @name AND position > @after ORDER BY position";

    /// <summary>The first parked events of a stream.</summary>
    public static string SelectGroupParkedOfStream(DatabaseProvider provider) => provider.FirstRows(
        $"SELECT {ParkedColumns} FROM parked_events"
        + " WHERE group_name = @name AND stream = @stream AND position > @after AND skipped_us IS NULL"
        + " ORDER BY position");

    /// <summary>A page of a group's parked events.</summary>
    public static string SelectGroupParked(DatabaseProvider provider) => provider.FirstRows(
        $"SELECT {ParkedColumns} FROM parked_events"
        + " WHERE group_name = @name AND position > @after AND skipped_us IS NULL ORDER BY position");

    /// <summary>A page of a group's parked and skipped events.</summary>
    public static string SelectParkedAndSkipped(DatabaseProvider provider) => provider.FirstRows(
        $"SELECT {ParkedColumns} FROM parked_events WHERE group_name = @name AND position > @after ORDER BY position");

    /// <summary>One parked or skipped event.</summary>
    public const string SelectParkedEvent =
        $"SELECT {ParkedColumns} FROM parked_events WHERE group_name = @name AND position = @position";
}
