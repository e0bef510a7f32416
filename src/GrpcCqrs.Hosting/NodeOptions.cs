using System.ComponentModel.DataAnnotations;
using GrpcCqrs.Storage;

namespace GrpcCqrs.Hosting;

/// <summary>What a process does of all that the service does.</summary>
public enum NodeRole
{
    /// <summary>Everything: commands, queries and projecting.</summary>
    Everything,

    /// <summary>Commands only; touches no read database.</summary>
    Command,

    /// <summary>Queries only; reads a read database that others project into, or one of its own.</summary>
    Query,

    /// <summary>Projecting only; serves operators and health.</summary>
    Projector,
}

/// <summary>
/// Which part of the service this process is. Several of each kind run on the same databases. Configuration section <c>Node</c>.
/// </summary>
public sealed class NodeOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Node";

    /// <summary>What it does. Default <see cref="NodeRole.Everything"/>.</summary>
    [EnumDataType(typeof(NodeRole))]
    public NodeRole Role { get; set; } = NodeRole.Everything;

    /// <summary>
    /// Of a query node: whether it keeps its read database itself, fed from the event log; then <c>Storage:Read</c> must lead to one
    /// of its own, such as SQLite in its own directory. Default false: another process projects into it.
    /// </summary>
    public bool OwnReadDatabase { get; set; }

    /// <summary>Whether commands are served.</summary>
    public bool ServesCommands => Role is NodeRole.Everything or NodeRole.Command;

    /// <summary>Whether queries are served.</summary>
    public bool ServesQueries => Role is NodeRole.Everything or NodeRole.Query;

    /// <summary>What becomes of the projections here.</summary>
    public ProjectionMode Projections => Role switch
    {
        NodeRole.Command => ProjectionMode.Off,
        NodeRole.Query => OwnReadDatabase ? ProjectionMode.ProjectApart : ProjectionMode.Follow,
        _ => ProjectionMode.Project,
    };
}
