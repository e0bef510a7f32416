using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Testing;

/// <summary>
/// Creates sample JSON for a first golden file: every property has a value, and texts are their property's name.
/// </summary>
internal static class SampleEvent
{
    /// <summary>The maximum depth of nested objects; a type may contain itself.</summary>
    private const int MaxDepth = 4;

    private static readonly DateTimeOffset Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    /// <summary>The sample as the event type writes it, or a best guess if the type cannot read it.</summary>
    public static string Of(EventType type)
    {
        var sample = ObjectOf(type.Json, 0);
        try
        {
            var @event = sample.Deserialize(type.Json)!;
            return Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(@event, type.Json));
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return sample.ToJsonString(type.Json.Options);
        }
    }

    private static JsonObject ObjectOf(JsonTypeInfo type, int depth)
    {
        var sample = new JsonObject();
        foreach (var property in type.Properties.Where(property => property.Get is not null))
        {
            sample[property.Name] = ValueOf(property.PropertyType, property.Name, type.Options, depth);
        }

        return sample;
    }

    private static JsonNode? ValueOf(Type type, string name, JsonSerializerOptions options, int depth)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (depth > MaxDepth || !options.TryGetTypeInfo(type, out var json))
        {
            return null;
        }

        return json.Kind switch
        {
            JsonTypeInfoKind.Object => ObjectOf(json, depth + 1),
            JsonTypeInfoKind.Enumerable => new JsonArray(ValueOf(json.ElementType!, name, options, depth + 1)),
            JsonTypeInfoKind.Dictionary => new JsonObject { ["key"] = ValueOf(json.ElementType!, name, options, depth + 1) },
            _ => Simple(type, name) is { } value ? JsonSerializer.SerializeToNode(value, json) : null,
        };
    }

    private static object? Simple(Type type, string name)
    {
        if (type == typeof(string))
        {
            return name;
        }

        if (type.IsEnum)
        {
            return Enum.GetValues(type).Cast<object>().LastOrDefault();
        }

        if (type == typeof(DateTimeOffset))
        {
            return Time;
        }

        if (type == typeof(DateOnly))
        {
            return DateOnly.FromDateTime(Time.Date);
        }

        if (type == typeof(TimeSpan))
        {
            return TimeSpan.FromMinutes(1);
        }

        if (type == typeof(Guid))
        {
            return new Guid("0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11");
        }

        if (type == typeof(bool))
        {
            return true;
        }

        return type.IsPrimitive || type == typeof(decimal) ? Convert.ChangeType(1, type, System.Globalization.CultureInfo.InvariantCulture) : null;
    }
}
