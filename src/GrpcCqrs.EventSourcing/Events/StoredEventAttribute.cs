namespace GrpcCqrs.EventSourcing;

/// <summary>
/// How an event record is stored: its stable name and the version of its shape. Every event of a module carries it;
/// <see cref="EngineServices.AddEvents{TEvent}"/> finds the events by it.
/// </summary>
/// <param name="name">The stored name, such as <c>blog.post-created</c>, unique in a service. A storage contract: never change it.</param>
/// <param name="version">
/// The version of the shape that is written, from 1. It is raised with every change of a property's name or meaning, together with an
/// upcaster from the version before.
/// </param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class StoredEventAttribute(string name, int version) : Attribute
{
    /// <summary>The stored name.</summary>
    public string Name { get; } = name;

    /// <summary>The version of the shape that is written.</summary>
    public int Version { get; } = version;
}
