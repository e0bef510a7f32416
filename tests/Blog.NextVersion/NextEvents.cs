using System.Reflection;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using GrpcCqrs.EventSourcing;

namespace Blog.NextVersion;

internal static class NextEvents
{
    private static readonly MethodInfo Add = typeof(EventTypeRegistry.Builder).GetMethod(nameof(EventTypeRegistry.Builder.Add))!;

    /// <summary>A module's events, one of them in its next schema version, which old payloads are upcast to.</summary>
    public static EventTypeRegistry Of<TEvent>(JsonSerializerContext json, Type changed)
        where TEvent : class => EventTypeRegistry.Create(types =>
        {
            foreach (var type in EventTypeRegistry.Of<TEvent>(json).All)
            {
                var isChanged = type.ClrType == changed;
                Add.MakeGenericMethod(type.ClrType).Invoke(types, [type.Name, type.SchemaVersion + (isChanged ? 1 : 0), (JsonTypeInfo)type.Json]);
                if (isChanged)
                {
                    types.Upcast(type.Name, type.SchemaVersion, payload => payload);
                }
            }
        });
}
