namespace GrpcCqrs.Storage.Databases;

/// <summary>What is written through a connection.</summary>
public enum ConnectionUse
{
    /// <summary>Appends: a commit must be on disk before it is answered.</summary>
    Appends,

    /// <summary>Projections, which a crash may set back: they read the log again.</summary>
    Projections,

    /// <summary>
    /// Progress of consumer groups, leases and jobs. If a power failure loses a write, the work is done again.
    /// </summary>
    Bookkeeping,
}
