using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Xunit;

namespace GrpcCqrs.EventSourcing.Tests;

public sealed record Renamed(string Name);

public sealed record NeverRegistered;

[JsonSerializable(typeof(Renamed))]
internal sealed partial class MessageJson : JsonSerializerContext;

public sealed class MessageTests
{
    private static readonly EventTypeRegistry Registry =
        EventTypeRegistry.Create(types => types.Add("test.renamed", 3, MessageJson.Default.Renamed));

    [Fact]
    public void An_event_is_written_under_its_stable_name_and_read_back()
    {
        var data = Registry.Serialize(new Renamed("new"), DateTimeOffset.UnixEpoch);

        Assert.Equal(("test.renamed", 3), (data.Type, data.SchemaVersion));
        Assert.Equal("""{"Name":"new"}""", Encoding.UTF8.GetString(data.Payload.Span));
        Assert.Equal(new Renamed("new"), Assert.Single(Registry.Read(Recorded("test.renamed", 3, data.Payload))).Event);
    }

    [Theory]
    [InlineData("test.other", 3)]
    [InlineData("test.renamed", 2)]
    [InlineData("test.renamed", 4)]
    public void An_unknown_name_or_schema_version_is_not_guessed_at(string type, int schemaVersion) =>
        Assert.Throws<UnknownEventTypeException>(() => Registry.Read(Recorded(type, schemaVersion, "{}"u8.ToArray())));

    [Fact]
    public void A_type_that_is_not_registered_cannot_be_written() =>
        Assert.Throws<UnknownEventTypeException>(() => Registry.Serialize(new NeverRegistered(), DateTimeOffset.UnixEpoch));

    [Fact]
    public void A_null_payload_is_an_error() =>
        Assert.Throws<JsonException>(() => Registry.Read(Recorded("test.renamed", 3, "null"u8.ToArray())));

    [Fact]
    public void A_name_cannot_be_registered_twice() =>
        Assert.Throws<ArgumentException>(() => EventTypeRegistry.Create(types => types
            .Add("test.renamed", 1, MessageJson.Default.Renamed).Add("test.renamed", 1, MessageJson.Default.Renamed)));

    [Theory]
    [InlineData("post-1", "post", "1")]
    [InlineData("post-a-b-c", "post", "a-b-c")]
    public void A_stream_name_is_taken_apart_at_its_first_hyphen(string text, string category, string id)
    {
        var stream = StreamId.Parse(text);
        Assert.Equal(new StreamId(category, id), stream);
        Assert.Equal(text, stream.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("post")]
    [InlineData("-1")]
    [InlineData("post-")]
    public void A_stream_name_without_category_or_id_is_refused(string text) => Assert.Throws<FormatException>(() => StreamId.Parse(text));

    [Fact]
    public void Expected_versions_match_what_they_say()
    {
        Assert.True(ExpectedVersion.Any.Matches(0) && ExpectedVersion.Any.Matches(7));
        Assert.True(ExpectedVersion.None.Matches(0) && !ExpectedVersion.None.Matches(1));
        Assert.True(ExpectedVersion.Exactly(7).Matches(7) && !ExpectedVersion.Exactly(7).Matches(8));
        Assert.Equal(("any", "none", "7"), (ExpectedVersion.Any.ToString(), ExpectedVersion.None.ToString(), ExpectedVersion.Exactly(7).ToString()));
        Assert.Throws<ArgumentOutOfRangeException>(() => ExpectedVersion.Exactly(-1));
    }

    [Fact]
    public void Every_reason_code_is_told_once_and_in_capitals()
    {
        Assert.Equal(EngineErrors.All.Count, EngineErrors.All.Select(code => code.Reason).Distinct(StringComparer.Ordinal).Count());
        Assert.All(EngineErrors.All, code => Assert.Matches("^[A-Z]+(_[A-Z]+)*$", code.Reason));
        var declared = typeof(EngineErrors).GetFields().Select(field => (ErrorCode)field.GetValue(null)!);
        Assert.Equal(declared.ToHashSet(), [.. EngineErrors.All]);
    }

    private static RecordedEvent Recorded(string type, int schemaVersion, ReadOnlyMemory<byte> payload) => new()
    {
        Position = 1,
        Stream = new StreamId("test", "1"),
        Version = 1,
        EventId = Guid.CreateVersion7(),
        Type = type,
        SchemaVersion = schemaVersion,
        Payload = payload,
        Metadata = new EventMetadata(Guid.CreateVersion7(), "", "", ""),
        Time = DateTimeOffset.UnixEpoch,
    };
}
