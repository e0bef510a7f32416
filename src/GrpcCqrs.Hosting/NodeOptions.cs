using System.ComponentModel.DataAnnotations;
using GrpcCqrs.Storage.Projections;

namespace GrpcCqrs.Hosting;

/// <summary>The role of a process within the service.</summary>
public enum NodeRole
{
    /// <summary>Everything: commands, queries and projecting.</summary>
    Everything,

    /// <summary>Commands only; uses no read database.</summary>
    Command,

    /// <summary>Queries only; reads a read database that another process projects into, or its own.</summary>
    Query,

    /// <summary>Projecting only; serves operators and health.</summary>
    Projector,
}

/// <summary>
/// The role of this process. Several processes of each role can run on the same databases. Configuration section
/// <c>Node</c>.
/// </summary>
public sealed class NodeOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Node";

    /// <summary>The role. Default <see cref="NodeRole.Everything"/>.</summary>
    [EnumDataType(typeof(NodeRole))]
    public NodeRole Role { get; set; } = NodeRole.Everything;

    /// <summary>
    /// For a query node: whether it maintains a read database of its own from the event log. <c>Storage:Read</c> must
    /// then point to a separate database, such as SQLite in the node's own directory. Default false: another process
    /// projects into it.
    /// </summary>
    public bool OwnReadDatabase { get; set; }

    /// <summary>Whether commands are served.</summary>
    public bool ServesCommands => Role is NodeRole.Everything or NodeRole.Command;

    /// <summary>Whether queries are served.</summary>
    public bool ServesQueries => Role is NodeRole.Everything or NodeRole.Query;

    /// <summary>How this process takes part in projecting.</summary>
    public ProjectionMode Projections => Role switch
    {
        NodeRole.Command => ProjectionMode.Off,
        NodeRole.Query => OwnReadDatabase ? ProjectionMode.ProjectApart : ProjectionMode.Follow,
        _ => ProjectionMode.Project,
    };
}
