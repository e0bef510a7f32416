namespace GrpcCqrs.Storage.Jobs;

/// <summary>The kinds of jobs that the engine brings. Records keep these names.</summary>
public static class JobKinds
{
    /// <summary>Fills new tables of projections beside the live ones, compares, and switches.</summary>
    public const string Rebuild = "rebuild";

    /// <summary>Folds single streams anew within the live tables.</summary>
    public const string Replay = "replay";

    /// <summary>Applies parked events again.</summary>
    public const string RetryParked = "retry-parked";

    /// <summary>Compares live tables with a fold of the events, stream by stream.</summary>
    public const string Audit = "audit";

    /// <summary>Walks the event log's hash chain.</summary>
    public const string Verify = "verify";
}
