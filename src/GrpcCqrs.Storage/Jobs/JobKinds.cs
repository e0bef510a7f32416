namespace GrpcCqrs.Storage.Jobs;

/// <summary>The engine's kinds of jobs. The names are stored in the records.</summary>
internal static class JobKinds
{
    /// <summary>Fills a new table generation of projections beside the live one, compares both, and switches.</summary>
    public const string Rebuild = "rebuild";

    /// <summary>Refolds single streams within the live tables.</summary>
    public const string Replay = "replay";

    /// <summary>Applies parked events again.</summary>
    public const string RetryParked = "retry-parked";

    /// <summary>Compares live tables with a fold of the events, stream by stream.</summary>
    public const string Audit = "audit";

    /// <summary>Verifies the event log's hash chain.</summary>
    public const string Verify = "verify";
}
