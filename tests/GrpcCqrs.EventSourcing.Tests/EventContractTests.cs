using System.Text.Json.Nodes;
using GrpcCqrs.Testing;
using Xunit;

namespace GrpcCqrs.EventSourcing.Tests;

/// <summary>Golden files of a module with an event in its second version.</summary>
public sealed class EventContractTests : IDisposable
{
    private const string Brewed1 = """{"tea":"Assam"}""";
    private const string Brewed2 = """{"kind":"Assam","minutes":3}""";
    private const string Drunk1 = """{"cup":{"colour":"blue","litres":0.25},"guests":["Ada"]}""";

    private readonly DirectoryInfo golden = Directory.CreateTempSubdirectory("golden-");

    public void Dispose() => golden.Delete(recursive: true);

    [Fact]
    public void The_golden_file_of_an_older_version_is_kept_and_read()
    {
        Write(("tea.brewed.1", Brewed1), ("tea.brewed.2", Brewed2), ("tea.drunk.1", Drunk1));
        var types = Types();

        EventContract.Verify(types, golden.FullName);

        Assert.Equal([new TeaBrewed("Assam", 3), new TeaBrewed("Assam", 3)], EventContract.Read(types, golden.FullName).OfType<TeaBrewed>());
    }

    [Fact]
    public void A_missing_golden_file_is_named_with_the_text_to_put_into_it()
    {
        Write(("tea.brewed.1", Brewed1));
        Assert.Equal(
            [
                "Add tea.brewed.2.json with one line, for example as below. GRPCCQRS_APPROVE=1 in the environment of the test has it written.",
                """{"kind":"kind","minutes":1}""",
                "Add tea.drunk.1.json with one line, for example as below. GRPCCQRS_APPROVE=1 in the environment of the test has it written.",
                """{"cup":{"colour":"colour","litres":1},"guests":["guests"]}""",
            ],
            Faults());
    }

    [Fact]
    public void The_suggested_text_is_a_golden_file_that_passes()
    {
        Write(("tea.brewed.1", Brewed1));
        var faults = Faults();
        Write(("tea.brewed.2", faults[1]), ("tea.drunk.1", faults[3]));
        EventContract.Verify(Types(), golden.FullName);
    }

    [Fact]
    public void A_missing_golden_file_is_written_where_that_is_approved_and_no_other_is_touched()
    {
        Write(("tea.brewed.1", Brewed1), ("tea.brewed.2", """{"kind":"Assam","seconds":180}"""));
        var fault = Assert.Throws<EventContractException>(() => EventContract.Verify(Types(), golden.FullName, writeMissing: true));
        Assert.StartsWith("tea.brewed.2.json is written differently now.", fault.Message, StringComparison.Ordinal);
        Write(("tea.brewed.2", Brewed2));
        EventContract.Verify(Types(), golden.FullName, writeMissing: true);
        Assert.Equal(Brewed2, File.ReadAllText(Path.Combine(golden.FullName, "tea.brewed.2.json")));
        Assert.Equal("""{"cup":{"colour":"colour","litres":1},"guests":["guests"]}""", File.ReadAllText(Path.Combine(golden.FullName, "tea.drunk.1.json")));
    }

    [Fact]
    public void The_golden_file_of_an_older_version_must_not_be_removed()
    {
        Write(("tea.brewed.2", Brewed2), ("tea.drunk.1", Drunk1));
        Assert.Equal(["Add tea.brewed.1.json with what version 1 wrote; version control has it where it was removed."], Faults());
    }

    [Fact]
    public void An_upcaster_needs_the_golden_file_that_it_starts_from()
    {
        Write(("tea.brewed.1", Brewed1), ("tea.brewed.2", Brewed2), ("tea.drunk.1", Drunk1));
        var types = Types(types => types.Upcast("tea.spilt", 1, _ => (IEnumerable<JsonEvent>)[]));
        Assert.Equal(["Add tea.spilt.1.json with what that version wrote: an upcaster starts from it."], Faults(types));
        Write(("tea.spilt.1", "{}"));
        EventContract.Verify(types, golden.FullName);
    }

    [Fact]
    public void A_changed_shape_is_told_to_become_a_new_version()
    {
        Write(("tea.brewed.1", Brewed1), ("tea.brewed.2", """{"kind":"Assam","seconds":180}"""), ("tea.drunk.1", Drunk1));
        var fault = Faults();
        Assert.StartsWith("tea.brewed.2.json is written differently now. Leave the file, raise the version in [StoredEvent]", fault[0], StringComparison.Ordinal);
        Assert.Equal(["""  golden:  {"kind":"Assam","seconds":180}""", """  written: {"kind":"Assam","minutes":0}"""], fault[1..]);
    }

    [Theory]
    [InlineData("""{"kind":"Assam"}""", "tea.brewed.1.json is upcast to tea.brewed without the property minutes: have the upcaster set it, to null where that is meant.")]
    [InlineData("""{"kind":"Assam","minutes":3,"tea":"x"}""", "tea.brewed.1.json is upcast to tea.brewed with the property tea, which the event does not have: correct the upcaster.")]
    public void An_upcaster_that_loses_or_forgets_a_property_is_found(string upcast, string fault)
    {
        Write(("tea.brewed.1", Brewed1), ("tea.brewed.2", Brewed2), ("tea.drunk.1", Drunk1));
        var types = EventTypeRegistry.Create(types => types.AddAll<ITeaEvent>(ModulesJson.Default).Upcast("tea.brewed", 1, _ => JsonNode.Parse(upcast)!.AsObject()));
        Assert.Equal([fault], Faults(types));
    }

    [Fact]
    public void A_golden_file_that_nothing_reads_is_an_error()
    {
        Write(("tea.brewed.1", Brewed1), ("tea.brewed.2", Brewed2), ("tea.drunk.1", Drunk1), ("tea.poured.1", "{}"));
        Assert.StartsWith("tea.poured.1.json is read by nothing.", Assert.Single(Faults()), StringComparison.Ordinal);
        Assert.StartsWith("tea.brewed.1.json is read by nothing.", Faults(EventTypeRegistry.Of<ITeaEvent>(ModulesJson.Default))[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_golden_file_that_is_no_event_is_an_error()
    {
        Write(("tea.brewed.1", Brewed1), ("tea.brewed.2", "[]"), ("tea.drunk.1", Drunk1));
        Assert.StartsWith("tea.brewed.2.json cannot be read: ", Faults()[0], StringComparison.Ordinal);
    }

    private static EventTypeRegistry Types(Action<EventTypeRegistry.Builder>? more = null) => EventTypeRegistry.Create(types =>
    {
        types.AddAll<ITeaEvent>(ModulesJson.Default).Upcast("tea.brewed", 1, old => new JsonObject { ["kind"] = (string)old["tea"]!, ["minutes"] = 3 });
        more?.Invoke(types);
    });

    private string[] Faults(EventTypeRegistry? types = null) =>
        Assert.Throws<EventContractException>(() => EventContract.Verify(types ?? Types(), golden.FullName)).Message.Split(Environment.NewLine);

    private void Write(params (string Name, string Text)[] files)
    {
        foreach (var (name, text) in files)
        {
            File.WriteAllText(Path.Combine(golden.FullName, name + ".json"), text);
        }
    }
}
