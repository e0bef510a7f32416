using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.Projections;

/// <summary>The statements of checkpoints and of operators' requests.</summary>
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
