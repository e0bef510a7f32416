namespace GrpcCqrs.EventSourcing;

/// <summary>The engine's rows of the error table. Services add their own.</summary>
public static class EngineErrors
{
    /// <summary>Invalid fields.</summary>
    public static readonly ErrorCode InvalidFields = new(
        "INVALID_FIELDS", ErrorKind.InvalidArgument, false, "One or more fields are missing or malformed; BadRequest names each.");

    /// <summary>The request is not a valid protobuf message.</summary>
    public static readonly ErrorCode MalformedRequest = new(
        "MALFORMED_REQUEST", ErrorKind.InvalidArgument, false, "The request is not a well-formed protobuf message of the method's type.");

    /// <summary>A command id that was already used for a different request.</summary>
    public static readonly ErrorCode CommandIdReused = new(
        "COMMAND_ID_REUSED", ErrorKind.InvalidArgument, false, "The command_id was used before with another request; make a new one.");

    /// <summary>A consistency token that this store did not issue.</summary>
    public static readonly ErrorCode ConsistencyTokenInvalid = new(
        "CONSISTENCY_TOKEN_INVALID", ErrorKind.InvalidArgument, false, "The consistency_token was not made by this store, or was altered.");

    /// <summary>A page token that this store did not issue for this query.</summary>
    public static readonly ErrorCode PageTokenInvalid = new(
        "PAGE_TOKEN_INVALID", ErrorKind.InvalidArgument, false, "The page_token was altered, or belongs to a query with other filters; start at the first page.");

    /// <summary>The stream is not at the caller's expected version.</summary>
    public static readonly ErrorCode WrongExpectedVersion = new(
        "WRONG_EXPECTED_VERSION", ErrorKind.Aborted, false, "The stream is at another version than expected_version; read again, decide again.");

    /// <summary>Other writers kept winning.</summary>
    public static readonly ErrorCode TooMuchContention = new(
        "TOO_MUCH_CONTENTION", ErrorKind.Aborted, true, "Other writers changed the stream at every attempt; repeat.");

    /// <summary>The write queue is full.</summary>
    public static readonly ErrorCode WriteQueueFull = new(
        "WRITE_QUEUE_FULL", ErrorKind.ResourceExhausted, true, "More commands wait to be written than the queue may hold; repeat after RetryInfo's delay.");

    /// <summary>The write database failed.</summary>
    public static readonly ErrorCode DatabaseUnavailable = new(
        "DATABASE_UNAVAILABLE", ErrorKind.Unavailable, true, "The database did not answer or failed; repeat with the same command_id.");

    /// <summary>The read model did not reach the token in time.</summary>
    public static readonly ErrorCode ReadModelBehind = new(
        "READ_MODEL_BEHIND", ErrorKind.Unavailable, true, "The read model has not yet reached the consistency_token; repeat after RetryInfo's delay.");

    /// <summary>Events that the answer requires are parked.</summary>
    public static readonly ErrorCode ProjectionParked = new(
        "PROJECTION_PARKED", ErrorKind.Unavailable, true, "An event up to the consistency_token could not be applied to the read model and waits for an operator; without the token the query is answered without it.");

    /// <summary>A projection that this version of the service does not have.</summary>
    public static readonly ErrorCode ProjectionNotFound = new(
        "PROJECTION_NOT_FOUND", ErrorKind.NotFound, false, "There is no projection of this name; ListProjections names them.");

    /// <summary>The projection is already being rebuilt.</summary>
    public static readonly ErrorCode RebuildRunning = new(
        "REBUILD_RUNNING", ErrorKind.FailedPrecondition, false, "The projection is being rebuilt, or was switched a moment ago; cancel the rebuild or wait.");

    /// <summary>A switch, pause or similar call while no rebuild is in the required state.</summary>
    public static readonly ErrorCode RebuildNotReady = new(
        "REBUILD_NOT_READY", ErrorKind.FailedPrecondition, false, "No generation of the projection is in the state that this needs.");

    /// <summary>The event does not block the projection.</summary>
    public static readonly ErrorCode NothingParked = new(
        "NOTHING_PARKED", ErrorKind.FailedPrecondition, false, "Nothing of this stream is parked, or the event is not the first parked one of its stream and does not stop the projection.");

    /// <summary>A replay of single streams for a projection whose rows depend on several.</summary>
    public static readonly ErrorCode NotByStream = new(
        "NOT_BY_STREAM", ErrorKind.FailedPrecondition, false, "The projection cannot fold a single stream anew; rebuild it.");

    /// <summary>No projector process is running.</summary>
    public static readonly ErrorCode ProjectorSilent = new(
        "PROJECTOR_SILENT", ErrorKind.Unavailable, true, "No process has served the request yet; it is served when one projects again.");

    /// <summary>A call about the read model to a node without one.</summary>
    public static readonly ErrorCode NoReadDatabase = new(
        "NO_READ_DATABASE", ErrorKind.FailedPrecondition, false, "This node serves commands only and has no read database; ask another one.");

    /// <summary>There is no such operation.</summary>
    public static readonly ErrorCode OperationNotFound = new(
        "OPERATION_NOT_FOUND", ErrorKind.NotFound, false, "There is no operation with this id; ListOperations names them.");

    /// <summary>A verification of the event log is already running.</summary>
    public static readonly ErrorCode VerificationRunning = new(
        "VERIFICATION_RUNNING", ErrorKind.ResourceExhausted, true, "A verification of the event log is running already; repeat after RetryInfo's delay.");

    /// <summary>All rows.</summary>
    public static IReadOnlyList<ErrorCode> All { get; } =
    [
        InvalidFields, MalformedRequest, CommandIdReused, ConsistencyTokenInvalid, PageTokenInvalid, WrongExpectedVersion, TooMuchContention,
        WriteQueueFull, DatabaseUnavailable, ReadModelBehind, ProjectionParked, ProjectionNotFound, RebuildRunning,
        RebuildNotReady, NothingParked, NotByStream, ProjectorSilent, NoReadDatabase, OperationNotFound, VerificationRunning,
    ];
}
