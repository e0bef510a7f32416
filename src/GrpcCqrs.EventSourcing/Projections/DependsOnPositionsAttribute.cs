namespace GrpcCqrs.EventSourcing;

/// <summary>
/// Marks a projection whose rows depend on the order in which events of different streams were appended, such as a list
/// by position. Its laws are then checked without <c>StreamOrder</c>; without this attribute such rows count as a bug.
/// </summary>
/// <param name="reason">What depends on that order.</param>
[AttributeUsage(AttributeTargets.Class)]
public sealed class DependsOnPositionsAttribute(string reason) : Attribute
{
    /// <summary>What depends on that order.</summary>
    public string Reason { get; } = reason;
}
