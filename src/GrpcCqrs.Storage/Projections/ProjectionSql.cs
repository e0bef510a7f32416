namespace GrpcCqrs.Storage;

/// <summary>The SQL for checkpoints, the projector's lease, parked events and operators' requests.</summary>
internal static class ProjectionSql
{
    /// <summary>The checkpoints of a read database.</summary>
    public const string SelectCheckpoints =
        "SELECT name, generation, state, version, position, store_id, state_us, target, holds_on_difference, note,"
        + " tables, shape FROM projections";

    public const string InsertCheckpoint =
        "INSERT INTO projections (name, generation, state, version, position, time_us, store_id, state_us, target,"
        + " holds_on_difference, tables, shape) VALUES (@name, @generation, @state, @version, 0, @time_us, @store_id, @time_us,"
        + " @target, @holds_on_difference, @tables, @shape)";

    public const string DeleteCheckpoint = "DELETE FROM projections WHERE name = @name AND generation = @generation";

    /// <summary>Advances a checkpoint if it is still where this process left it.</summary>
    public const string AdvanceCheckpoint =
        "UPDATE projections SET position = @position, time_us = @time_us"
        + " WHERE name = @name AND generation = @generation AND position = @expected";

    /// <summary>Changes a generation's state.</summary>
    public const string SetGenerationState =
        "UPDATE projections SET state = @state, state_us = @time_us, note = @note"
        + " WHERE name = @name AND generation = @generation";

    /// <summary>The projector's lease.</summary>
    public const string SelectLease = "SELECT holder, fencing_token, beat FROM projector_lease WHERE id = 1";

    /// <summary>Takes the lease over if neither its token nor its beat has changed since it was read.</summary>
    public const string TakeLease =
        "UPDATE projector_lease SET holder = @holder, fencing_token = fencing_token + 1, beat = beat + 1"
        + " WHERE id = 1 AND fencing_token = @fencing_token AND beat = @beat";

    /// <summary>Increments the beat as proof of life, and locks the row until the transaction ends.</summary>
    public const string KeepLease =
        "UPDATE projector_lease SET beat = beat + 1 WHERE id = 1 AND fencing_token = @fencing_token";

    /// <summary>Locks the lease's row until the transaction ends, whichever process holds the lease.</summary>
    public const string LockLease = "UPDATE projector_lease SET beat = beat WHERE id = 1";

    /// <summary>Releases the lease.</summary>
    public const string FreeLease =
        "UPDATE projector_lease SET holder = '' WHERE id = 1 AND fencing_token = @fencing_token";

    public const string InsertParked =
        "INSERT INTO parked_events (projection, generation, position, stream, event_type, error, attempts, time_us)"
        + " VALUES (@projection, @generation, @position, @stream, @event_type, @error, @attempts, @time_us)";

    /// <summary>Records another failed attempt on a parked event.</summary>
    public const string UpdateParked =
        "UPDATE parked_events SET error = @error, attempts = attempts + 1, time_us = @time_us"
        + " WHERE projection = @projection AND generation = @generation AND position = @position";

    public const string DeleteParked =
        "DELETE FROM parked_events WHERE projection = @projection AND generation = @generation"
        + " AND position = @position";

    public const string DeleteAllParked =
        "DELETE FROM parked_events WHERE projection = @projection AND generation = @generation";

    /// <summary>The first parked event of each stream.</summary>
    public const string SelectParkedStreams =
        "SELECT projection, generation, stream, MIN(position), CAST(COUNT(*) AS BIGINT) FROM parked_events"
        + " GROUP BY projection, generation, stream";

    /// <summary>The projections and streams with events that failed with an error of some form.</summary>
    public const string SelectParkedByError = "SELECT DISTINCT projection, stream FROM parked_events WHERE error LIKE @pattern";

    /// <summary>The parked events of a stream in a generation.</summary>
    public const string SelectParkedOfStream =
        "SELECT position, event_type, error FROM parked_events"
        + " WHERE projection = @projection AND generation = @generation AND stream = @stream ORDER BY position";

    /// <summary>Parked events of the live generations, for operators.</summary>
    public static string SelectParked(DatabaseProvider provider) => provider.FirstRows(
        "SELECT e.projection, e.position, e.stream, e.event_type, e.error, e.attempts, e.time_us"
        + " FROM parked_events e JOIN projections p ON p.name = e.projection AND p.generation = e.generation"
        + " WHERE p.state = 1 AND (@projection = '' OR e.projection = @projection) AND (e.position > @after"
        + " OR (e.position = @after AND e.projection > @after_projection)) ORDER BY e.position, e.projection");

    /// <summary>Records that an event is skipped.</summary>
    public const string InsertSkipped =
        "INSERT INTO skipped_events (projection, version, position, stream, event_type, error, user_name, time_us)"
        + " VALUES (@projection, @version, @position, @stream, @event_type, @error, @user_name, @time_us)";

    /// <summary>The skipped events.</summary>
    public const string SelectSkipped =
        "SELECT projection, version, position, stream, event_type, error, user_name, time_us FROM skipped_events"
        + " ORDER BY position, projection";

    /// <summary>Adds an operator's request.</summary>
    public static string InsertRequest(DatabaseProvider provider) => provider.InsertReturningId(
        "operator_requests", "id", "kind, arguments, user_name, time_us, state, done_us", "@kind, @arguments, @user_name, @time_us, 0, 0");

    /// <summary>Operators' requests that are not finished.</summary>
    public const string SelectOpenRequests =
        "SELECT id, kind, arguments, user_name, progress FROM operator_requests WHERE state = 0 ORDER BY id";

    /// <summary>One request.</summary>
    public const string SelectRequest =
        "SELECT id, kind, arguments, user_name, time_us, state, progress, result, done_us FROM operator_requests"
        + " WHERE id = @id";

    /// <summary>The newest requests.</summary>
    public static string SelectRequests(DatabaseProvider provider) => provider.FirstRows(
        "SELECT id, kind, arguments, user_name, time_us, state, progress, result, done_us FROM operator_requests"
        + " WHERE id < @before ORDER BY id DESC");

    /// <summary>Saves a request's progress.</summary>
    public const string UpdateRequest = "UPDATE operator_requests SET progress = @progress WHERE id = @id";

    /// <summary>Finishes a request.</summary>
    public const string FinishRequest =
        "UPDATE operator_requests SET state = @state, result = @result, done_us = @time_us WHERE id = @id";
}
