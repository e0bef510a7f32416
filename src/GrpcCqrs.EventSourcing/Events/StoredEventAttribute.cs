namespace GrpcCqrs.EventSourcing;

/// <summary>
/// How an event record is stored: its stable name and its schema version. Every event of a module has this attribute;
/// <see cref="EngineServices.AddEvents{TEvent}"/> reads it.
/// </summary>
/// <param name="name">
/// The stored name, such as <c>blog.post-created</c>, unique in a service. A storage contract: never change it.
/// </param>
/// <param name="version">
/// The schema version that is written, from 1. Increase it whenever a property's name or meaning changes, and add an
/// upcaster from the previous version.
/// </param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class StoredEventAttribute(string name, int version) : Attribute
{
    /// <summary>The stored name.</summary>
    public string Name { get; } = name;

    /// <summary>The schema version that is written.</summary>
    public int Version { get; } = version;
}
