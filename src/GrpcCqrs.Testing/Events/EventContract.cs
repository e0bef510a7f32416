using System.Text;
using System.Text.Json.Nodes;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Testing;

/// <summary>
/// Verifies that a service can still read every event it ever wrote. The golden folder holds a file NAME.VERSION.json
/// for every version of every event type, such as <c>blog.post-created.1.json</c>, with the JSON written in that
/// version. Files are added, never changed or removed.
/// </summary>
public static class EventContract
{
    /// <summary>
    /// Requires that
    /// <list type="number">
    /// <item>each event type has a golden file for each version from 1 to the current one, and each upcaster has one of
    /// its old version;</item>
    /// <item>each golden file can be read, through the upcasters if it is old;</item>
    /// <item>the golden file of the current version is reproduced byte for byte;</item>
    /// <item>an upcaster's result has exactly the properties that the event is written with.</item>
    /// </list>
    /// </summary>
    /// <param name="types">The service's event types.</param>
    /// <param name="goldenFolder">The folder of the golden files.</param>
    /// <param name="writeMissing">
    /// Whether to write a sample of the current version of each event type that has no golden file. Default: only if the
    /// environment variable GRPCCQRS_APPROVE is 1. No file that exists is changed.
    /// </param>
    /// <exception cref="EventContractException">
    /// A requirement is not met; the message lists every file to add or change to make.
    /// </exception>
    public static void Verify(EventTypeRegistry types, string goldenFolder, bool? writeMissing = null)
    {
        ArgumentNullException.ThrowIfNull(types);
        if (writeMissing ?? GoldenFiles.AreApproved)
        {
            WriteMissing(types, goldenFolder);
        }

        var files = Directory.Exists(goldenFolder) ? GoldenFile.ReadAll(goldenFolder) : [];
        string[] faults = [.. MissingFaults(types, files), .. files.Select(file => FaultOf(types, file)).OfType<string>()];
        if (faults.Length > 0)
        {
            throw new EventContractException(string.Join(Environment.NewLine, faults));
        }
    }

    /// <summary>
    /// The events of all golden files in their current schema version, at least one of each type. For tests of code
    /// that must handle each type. Missing files are written as <see cref="Verify"/> does by default.
    /// </summary>
    /// <param name="types">The service's event types.</param>
    /// <param name="goldenFolder">The folder of the golden files.</param>
    public static IReadOnlyList<object> Read(EventTypeRegistry types, string goldenFolder)
    {
        ArgumentNullException.ThrowIfNull(types);
        if (GoldenFiles.AreApproved)
        {
            WriteMissing(types, goldenFolder);
        }

        return [.. GoldenFile.ReadAll(goldenFolder).SelectMany(file => types.Read(file.Record)).Select(envelope => envelope.Event)];
    }

    private static void WriteMissing(EventTypeRegistry types, string goldenFolder)
    {
        Directory.CreateDirectory(goldenFolder);
        foreach (var type in types.All)
        {
            var path = Path.Combine(goldenFolder, GoldenFile.NameOf(type.Name, type.SchemaVersion));
            if (!File.Exists(path))
            {
                File.WriteAllText(path, SampleEvent.Of(type));
            }
        }
    }

    private static IEnumerable<string> MissingFaults(EventTypeRegistry types, IReadOnlyList<GoldenFile> files)
    {
        var found = files.Select(file => (file.Type, file.SchemaVersion)).ToHashSet();
        foreach (var type in types.All)
        {
            for (var version = 1; version < type.SchemaVersion; version++)
            {
                if (!found.Contains((type.Name, version)))
                {
                    yield return $"Add {GoldenFile.NameOf(type.Name, version)} with what version {version} wrote; version control has it where it was removed.";
                }
            }

            if (!found.Contains((type.Name, type.SchemaVersion)))
            {
                yield return $"Add {GoldenFile.NameOf(type.Name, type.SchemaVersion)} with one line, for example as below. {GoldenFiles.Hint}{Environment.NewLine}{SampleEvent.Of(type)}";
            }
        }

        foreach (var (type, version) in types.Older.Where(shape => !found.Contains(shape) && types.All.All(current => current.Name != shape.Type)))
        {
            yield return $"Add {GoldenFile.NameOf(type, version)} with what that version wrote: an upcaster starts from it.";
        }
    }

    private static string? FaultOf(EventTypeRegistry types, GoldenFile file)
    {
        try
        {
            var written = types.Read(file.Record).Select(envelope => types.Serialize(envelope.Event, DateTimeOffset.UnixEpoch)).ToArray();
            return types.All.Any(type => type.Name == file.Type && type.SchemaVersion == file.SchemaVersion)
                ? WrittenFault(file, Encoding.UTF8.GetString(written[0].Payload.Span))
                : UpcastFault(file, types.ReadJson(file.Record), written);
        }
        catch (UnknownEventTypeException)
        {
            return $"{file.Name} is read by nothing. Events stay in the log for good: give its type back its name, or add an upcaster from it "
                + "(types.Upcast, in the third parameter of AddEvents).";
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return $"{file.Name} cannot be read: {exception.Message} Make the event record or the upcaster read it; the file says what is in the log.";
        }
    }

    private static string? WrittenFault(GoldenFile file, string written)
    {
        // An editor may add a line feed at the end of a file; an event never ends with one.
        var golden = file.Text.TrimEnd('\r', '\n');
        return string.Equals(golden, written, StringComparison.Ordinal)
            ? null
            : $"{file.Name} is written differently now. Leave the file, raise the version in [StoredEvent], add an upcaster from version {file.SchemaVersion} "
            + $"and {GoldenFile.NameOf(file.Type, file.SchemaVersion + 1)}. If no release has written the event yet, correct the file.{Environment.NewLine}"
            + $"  golden:  {golden}{Environment.NewLine}  written: {written}";
    }

    /// <summary>
    /// A property that an upcaster misnames is silently lost, and one that it omits becomes null or zero.
    /// </summary>
    private static string? UpcastFault(GoldenFile file, IReadOnlyList<PresentEvent> upcast, IReadOnlyList<EventData> written)
    {
        for (var index = 0; index < upcast.Count; index++)
        {
            var (made, wanted) = (PropertiesOf(upcast[index].Payload), PropertiesOf(written[index].Payload));
            if (made.Except(wanted, StringComparer.Ordinal).FirstOrDefault() is { } lost)
            {
                return $"{file.Name} is upcast to {upcast[index].Type} with the property {lost}, which the event does not have: correct the upcaster.";
            }

            if (wanted.Except(made, StringComparer.Ordinal).FirstOrDefault() is { } forgotten)
            {
                return $"{file.Name} is upcast to {upcast[index].Type} without the property {forgotten}: have the upcaster set it, to null where that is meant.";
            }
        }

        return null;
    }

    private static string[] PropertiesOf(ReadOnlyMemory<byte> payload) => [.. JsonNode.Parse(payload.Span)!.AsObject().Select(property => property.Key)];
}

/// <summary>A service breaks the contract with its event log; the message says what to add or change.</summary>
public sealed class EventContractException(string message) : Exception(message);

/// <summary>The JSON written for one version of an event type.</summary>
internal sealed record GoldenFile(string Type, int SchemaVersion, string Text)
{
    public string Name => NameOf(Type, SchemaVersion);

    public RecordedEvent Record => new()
    {
        Position = 1,
        Stream = new StreamId("golden", "1"),
        Version = 1,
        EventId = Guid.CreateVersion7(DateTimeOffset.UnixEpoch),
        Type = Type,
        SchemaVersion = SchemaVersion,
        Payload = Encoding.UTF8.GetBytes(Text),
        Metadata = new EventMetadata(Guid.CreateVersion7(DateTimeOffset.UnixEpoch), "", "", ""),
        Time = DateTimeOffset.UnixEpoch,
    };

    public static string NameOf(string type, int version) => $"{type}.{version}.json";

    public static IReadOnlyList<GoldenFile> ReadAll(string folder) =>
        [.. Directory.GetFiles(folder, "*.json").Order(StringComparer.Ordinal).Select(Read)];

    private static GoldenFile Read(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        var dot = name.LastIndexOf('.');
        return dot > 0 && int.TryParse(name.AsSpan(dot + 1), out var version)
            ? new GoldenFile(name[..dot], version, File.ReadAllText(path))
            : throw new EventContractException($"{Path.GetFileName(path)} is no name of a golden file: call it NAME.VERSION.json, or move it elsewhere.");
    }
}
