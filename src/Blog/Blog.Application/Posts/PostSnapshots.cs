using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>How posts are kept as snapshots: every property of the state as it is, under <see cref="Post.StateVersion"/>.</summary>
public static class PostSnapshots
{
    /// <summary>
    /// A load then reads fewer events than this, so that a long post is loaded about as fast as a short one. A snapshot of a post is
    /// about as large as one of its events, so that this many cost a twentieth of what the events do.
    /// </summary>
    private const int Every = 20;

    /// <summary>The snapshots of posts.</summary>
    public static ISnapshots<Post> Create() => new JsonSnapshots<Post, Post>(
        Every, Post.StateVersion, PostSnapshotJson.Default.Post, post => post, (id, post) => post with { Id = id });
}

[JsonSerializable(typeof(Post))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    IgnoreReadOnlyProperties = true,
    UseStringEnumConverter = true,
    Converters = [typeof(OrdinalSetConverter)])]
internal sealed partial class PostSnapshotJson : JsonSerializerContext;

/// <summary>Reads a set of texts that compares them code unit by code unit, as the domain does; the serializer's own would go by the culture.</summary>
internal sealed class OrdinalSetConverter : JsonConverter<ImmutableSortedSet<string>>
{
    public override ImmutableSortedSet<string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var texts = ImmutableSortedSet.CreateBuilder<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            texts.Add(reader.GetString()!);
        }

        return texts.ToImmutable();
    }

    public override void Write(Utf8JsonWriter writer, ImmutableSortedSet<string> value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (var text in value)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }
}
