using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Xunit;

namespace GrpcCqrs.EventSourcing.Tests;

public sealed record PersonNamed(string First, string Last);

public sealed record PersonGreeted(string Words);

[JsonSerializable(typeof(PersonNamed))]
[JsonSerializable(typeof(PersonGreeted))]
internal sealed partial class PersonJson : JsonSerializerContext;

public sealed class UpcasterTests
{
    // Version 1 had one name, version 2 split it under other letters, version 3 is today's; "hello" did two things at once.
    private static readonly EventTypeRegistry Registry = EventTypeRegistry.Create(types => types
        .Add("person.named", 3, PersonJson.Default.PersonNamed)
        .Add("person.greeted", 1, PersonJson.Default.PersonGreeted)
        .Upcast("person.named", 1, old =>
        {
            var names = ((string)old["name"]!).Split(' ', 2);
            return new JsonObject { ["f"] = names[0], ["l"] = names[1] };
        })
        .Upcast("person.named", 2, old => new JsonObject { ["First"] = (string)old["f"]!, ["Last"] = (string)old["l"]! })
        .Upcast("person.hello", 1, old =>
        [
            new JsonEvent("person.named", 1, new JsonObject { ["name"] = (string)old["name"]! }),
            new JsonEvent("person.greeted", 1, new JsonObject { ["Words"] = "hello" }),
        ])
        .Upcast("person.forgotten", 1, _ => (IEnumerable<JsonEvent>)[])
        .Upcast("person.circle", 1, old => [new JsonEvent("person.circle", 1, old.DeepClone().AsObject())])
        .Upcast("person.lost", 1, old => [new JsonEvent("person.nowhere", 1, old.DeepClone().AsObject())]));

    [Theory]
    [InlineData(1, """{"name":"Ada Lovelace"}""")]
    [InlineData(2, """{"f":"Ada","l":"Lovelace"}""")]
    [InlineData(3, """{"First":"Ada","Last":"Lovelace"}""")]
    public void Every_older_shape_is_read_as_todays(int schemaVersion, string payload) =>
        Assert.Equal([new PersonNamed("Ada", "Lovelace")], Read("person.named", schemaVersion, payload));

    [Fact]
    public void One_event_can_become_several_in_order_each_of_which_is_upcast_further() =>
        Assert.Equal(
            [new PersonNamed("Ada", "Lovelace"), new PersonGreeted("hello")], Read("person.hello", 1, """{"name":"Ada Lovelace"}"""));

    [Fact]
    public void One_event_can_become_none() => Assert.Empty(Read("person.forgotten", 1, "{}"));

    [Theory]
    [InlineData("person.circle")]
    [InlineData("person.lost")]
    public void Upcasters_that_lead_nowhere_are_an_error(string type) =>
        Assert.Throws<UnknownEventTypeException>(() => Read(type, 1, "{}"));

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    public void An_old_payload_that_is_no_object_is_an_error(string payload) =>
        Assert.Throws<JsonException>(() => Read("person.named", 1, payload));

    [Fact]
    public void An_upcaster_from_todays_shape_or_a_second_one_from_the_same_is_a_fault_of_the_set_up()
    {
        Assert.Throws<ArgumentException>(() => EventTypeRegistry.Create(types => types
            .Add("person.greeted", 2, PersonJson.Default.PersonGreeted).Upcast("person.greeted", 2, old => old)));
        Assert.Throws<ArgumentException>(() => EventTypeRegistry.Create(types => types
            .Upcast("person.greeted", 1, old => old).Upcast("person.greeted", 1, old => old)));
    }

    private static IEnumerable<object> Read(string type, int schemaVersion, string payload) => Registry.Read(new RecordedEvent
    {
        Position = 1,
        Stream = new StreamId("person", "1"),
        Version = 1,
        EventId = Guid.CreateVersion7(),
        Type = type,
        SchemaVersion = schemaVersion,
        Payload = System.Text.Encoding.UTF8.GetBytes(payload),
        Metadata = new EventMetadata(Guid.CreateVersion7(), "", "", ""),
        Time = DateTimeOffset.UnixEpoch,
    }).Select(envelope => envelope.Event);
}
