namespace GrpcCqrs.EventSourcing;

/// <summary>The event feed's rows of the error table.</summary>
public static class FeedErrors
{
    /// <summary>A stream without events.</summary>
    public static readonly ErrorCode StreamNotFound = new(
        "STREAM_NOT_FOUND", ErrorKind.NotFound, false, "There is no stream with this name.");

    /// <summary>A position past the end of the log.</summary>
    public static readonly ErrorCode PositionOutOfRange = new(
        "POSITION_OUT_OF_RANGE", ErrorKind.InvalidArgument, false, "The position is past the end of the log, so it comes from another store; metadata: newest_position.");

    /// <summary>Too many open feed calls.</summary>
    public static readonly ErrorCode TooManySubscribers = new(
        "TOO_MANY_SUBSCRIBERS", ErrorKind.ResourceExhausted, true, "As many feed calls are open as the service allows; repeat after RetryInfo's delay.");

    /// <summary>A client that did not read.</summary>
    public static readonly ErrorCode SlowConsumer = new(
        "SLOW_CONSUMER", ErrorKind.ResourceExhausted, true, "The client did not read what it was sent for too long; call again from the position in the metadata: resume_after_position.");

    /// <summary>The service is stopping and ends its feed calls.</summary>
    public static readonly ErrorCode ServiceStopping = new(
        "SERVICE_STOPPING", ErrorKind.Unavailable, true, "The service is stopping; call again, a feed from the position in the metadata: resume_after_position.");

    /// <summary>An unknown group.</summary>
    public static readonly ErrorCode GroupNotFound = new(
        "CONSUMER_GROUP_NOT_FOUND", ErrorKind.NotFound, false, "There is no consumer group with this name, or it was deleted meanwhile.");

    /// <summary>A group with this name but another definition exists.</summary>
    public static readonly ErrorCode GroupExists = new(
        "CONSUMER_GROUP_EXISTS", ErrorKind.AlreadyExists, false, "There is a consumer group with this name, but another start or filter.");

    /// <summary>Too many groups.</summary>
    public static readonly ErrorCode TooManyGroups = new(
        "TOO_MANY_CONSUMER_GROUPS", ErrorKind.FailedPrecondition, false, "The store holds as many consumer groups as the service allows; delete one.");

    /// <summary>Another process serves the group.</summary>
    public static readonly ErrorCode GroupElsewhere = new(
        "CONSUMER_GROUP_ELSEWHERE", ErrorKind.Unavailable, true, "Another process of the service serves the group, or did until a moment ago; repeat after RetryInfo's delay.");

    /// <summary>Too many members.</summary>
    public static readonly ErrorCode GroupFull = new(
        "CONSUMER_GROUP_FULL", ErrorKind.ResourceExhausted, true, "The group has as many members as the service allows; repeat after RetryInfo's delay.");

    /// <summary>A group of the service's own.</summary>
    public static readonly ErrorCode GroupInProcess = new(
        "CONSUMER_GROUP_IN_PROCESS", ErrorKind.FailedPrecondition, false, "The service itself handles the events of this group: clients cannot join or delete it.");

    /// <summary>The parked events are being redelivered.</summary>
    public static readonly ErrorCode ParkedRetrying = new(
        "PARKED_EVENTS_RETRYING", ErrorKind.FailedPrecondition, false, "The stream's parked events are being delivered again, or this is not the first of them.");

    /// <summary>All rows.</summary>
    public static IReadOnlyList<ErrorCode> All { get; } =
    [
        StreamNotFound, PositionOutOfRange, TooManySubscribers, SlowConsumer, ServiceStopping, GroupNotFound, GroupExists, TooManyGroups,
        GroupElsewhere, GroupFull, GroupInProcess, ParkedRetrying,
    ];
}
