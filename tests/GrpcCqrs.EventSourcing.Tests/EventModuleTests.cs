using System.Text;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GrpcCqrs.EventSourcing.Tests;

public interface ITeaEvent;

[StoredEvent("tea.brewed", version: 2)]
public sealed record TeaBrewed(string Kind, int Minutes) : ITeaEvent;

[StoredEvent("tea.drunk", version: 1)]
public sealed record TeaDrunk(TeaCup Cup, IReadOnlyList<string> Guests) : ITeaEvent;

public sealed record TeaCup(string Colour, decimal Litres);

public abstract record CakeEvent;

[StoredEvent("cake.baked", version: 1)]
public sealed record CakeBaked(string Kind) : CakeEvent;

public interface IFaultyEvent;

public sealed record Undeclared : IFaultyEvent;

[StoredEvent("faulty.unwritable", version: 1)]
public sealed record Unwritable : IFaultyEvent;

[StoredEvent("", version: 0)]
public sealed record Nameless : IFaultyEvent;

public interface IThiefEvent;

[StoredEvent("cake.baked", version: 1)]
public sealed record CakeStolen : IThiefEvent;

public interface INoEvent;

[JsonSerializable(typeof(TeaBrewed))]
[JsonSerializable(typeof(TeaDrunk))]
[JsonSerializable(typeof(CakeBaked))]
[JsonSerializable(typeof(CakeStolen))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class ModulesJson : JsonSerializerContext;

/// <summary>Modules whose events say themselves how they are stored.</summary>
public sealed class EventModuleTests
{
    [Fact]
    public void The_modules_of_a_service_are_merged()
    {
        var types = Build(services => services
            .AddEvents<ITeaEvent>(ModulesJson.Default, types => types.Upcast("tea.brewed", 1, old => old))
            .AddEvents<CakeEvent>(ModulesJson.Default)
            .AddEvents(EventTypeRegistry.Create(types => types.Upcast("cake.forgotten", 1, _ => (IEnumerable<JsonEvent>)[]))));

        Assert.Equal(["cake.baked 1", "tea.brewed 2", "tea.drunk 1"], types.All.Select(type => $"{type.Name} {type.SchemaVersion}"));
        Assert.Equal([("cake.forgotten", 1), ("tea.brewed", 1)], types.Older);
    }

    [Fact]
    public void Names_follow_the_context_and_text_is_written_as_it_is()
    {
        var data = EventTypeRegistry.Of<CakeEvent>(ModulesJson.Default).Serialize(new CakeBaked("Käse <&> 題"), DateTimeOffset.UnixEpoch);
        Assert.Equal("""{"kind":"Käse <&> 題"}""", Encoding.UTF8.GetString(data.Payload.Span));
    }

    [Fact]
    public void A_module_that_is_added_twice_is_refused()
    {
        var message = Refused(services => services.AddEvents<CakeEvent>(ModulesJson.Default).AddEvents<CakeEvent>(ModulesJson.Default));
        Assert.Equal("GrpcCqrs.EventSourcing.Tests.CakeBaked is registered 2 times: add its module once.", message);
    }

    [Fact]
    public void A_name_that_two_modules_use_is_refused()
    {
        var message = Refused(services => services.AddEvents<CakeEvent>(ModulesJson.Default).AddEvents<IThiefEvent>(ModulesJson.Default));
        Assert.Equal(
            "GrpcCqrs.EventSourcing.Tests.CakeBaked and GrpcCqrs.EventSourcing.Tests.CakeStolen are both stored as cake.baked: "
            + "give the newer one another name in [StoredEvent].",
            message);
    }

    [Fact]
    public void An_upcaster_that_two_modules_bring_is_refused()
    {
        var part = EventTypeRegistry.Create(types => types.Upcast("cake.forgotten", 1, old => old));
        Assert.Equal(
            "2 upcasters start from cake.forgotten in schema version 1: remove all but one.",
            Refused(services => services.AddEvents(part).AddEvents(part)));
    }

    [Fact]
    public void Everything_that_events_lack_is_reported_together()
    {
        var lines = Refused(services => services.AddEvents<IFaultyEvent>(ModulesJson.Default)).Split(Environment.NewLine);
        Assert.Equal(
            [
                "GrpcCqrs.EventSourcing.Tests.Nameless is stored as \"\", version 0: give it a name and a version from 1 in [StoredEvent].",
                "GrpcCqrs.EventSourcing.Tests.Undeclared does not say how it is stored: put [StoredEvent(\"MODULE.NAME\", version: 1)] above it.",
                "GrpcCqrs.EventSourcing.Tests.Unwritable has no source-generated serialisation: put [JsonSerializable(typeof(Unwritable))] above ModulesJson.",
            ],
            lines.Order(StringComparer.Ordinal));
        Assert.Equal(
            "GrpcCqrs.EventSourcing.Tests has no event that derives from INoEvent: name the base type of the module's events.",
            Refused(services => services.AddEvents<INoEvent>(ModulesJson.Default)));
    }

    private static EventTypeRegistry Build(Action<IServiceCollection> add)
    {
        var services = new ServiceCollection().AddEventSourcing();
        add(services);
        return services.BuildServiceProvider().GetRequiredService<EventTypeRegistry>();
    }

    private static string Refused(Action<IServiceCollection> add) => Assert.Throws<ArgumentException>(() => Build(add)).Message;
}
