using System.Reflection;
using System.Text;
using System.Text.Json;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Testing;

/// <summary>
/// Verifies that an aggregate's snapshots contain its whole state, and that their schema version was increased when the
/// snapshots or the fold changed: otherwise a snapshot of the old fold would be loaded as one of the new.
/// </summary>
public static class SnapshotContract
{
    private const string Id = "0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11";

    /// <summary>
    /// Folds the events one by one and requires that
    /// <list type="number">
    /// <item>the state read from its snapshot is equal in every public property, after each event;</item>
    /// <item>each event type beside <typeparamref name="TEvent"/> in its assembly occurs, so that a changed fold is noticed;</item>
    /// <item>some event gives each property a value, so that a property missing from the snapshot is noticed;</item>
    /// <item>the snapshots match CATEGORY.VERSION.jsonl in the golden folder, one line per event.</item>
    /// </list>
    /// </summary>
    /// <param name="snapshots">How the aggregate's states are stored.</param>
    /// <param name="events">A valid history with every event type, in which every property changes.</param>
    /// <param name="goldenFolder">
    /// The folder of the golden snapshots; only the file of the current schema version is read.
    /// </param>
    /// <param name="writeMissing">
    /// Whether to write the golden file of the current schema version if it is missing. Default: only if the environment
    /// variable GRPCCQRS_APPROVE is 1. A file that exists is never changed.
    /// </param>
    /// <exception cref="SnapshotContractException">
    /// A requirement is not met; the message says what to add or change.
    /// </exception>
    public static void Verify<TAggregate, TEvent>(
        ISnapshots<TAggregate> snapshots, IEnumerable<TEvent> events, string goldenFolder, bool? writeMissing = null)
        where TAggregate : class, IAggregate<TAggregate, TEvent>
        where TEvent : class
    {
        ArgumentNullException.ThrowIfNull(snapshots);
        ArgumentNullException.ThrowIfNull(events);
        var state = TAggregate.Initial(Id);
        PropertyInfo[] properties = [.. typeof(TAggregate).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.GetIndexParameters().Length == 0)];
        var unset = properties.Where(property => property.CanWrite && !Equals(property.GetValue(state), Id)).ToDictionary(property => property.Name, property => Write(property, state));
        var lines = new List<(string Event, string Snapshot)>();
        foreach (var @event in events)
        {
            state = state.Apply(@event);
            var snapshot = snapshots.Write(state);
            lines.Add((@event.GetType().Name, Encoding.UTF8.GetString(snapshot)));
            var read = snapshots.Read(Id, snapshot);
            if (Array.Find(properties, property => Write(property, state) != Write(property, read)) is { } lost)
            {
                throw new SnapshotContractException(
                    $"The snapshot after {@event.GetType().Name} loses {typeof(TAggregate).Name}.{lost.Name}, {Write(lost, state)}, which is read as {Write(lost, read)}: "
                    + "have the snapshot hold it, and raise its schema version.");
            }

            foreach (var property in properties.Where(property => unset.TryGetValue(property.Name, out var initial) && Write(property, state) != initial))
            {
                unset.Remove(property.Name);
            }
        }

        if (MissingType(typeof(TEvent), [.. lines.Select(line => line.Event)]) is { } missing)
        {
            throw new SnapshotContractException($"None of the events is a {missing}: add one, so that a change of how it is folded is noticed.");
        }

        if (unset.Keys.FirstOrDefault() is { } untried)
        {
            throw new SnapshotContractException(
                $"None of the events gives {typeof(TAggregate).Name}.{untried} a value: add one that does, so that its snapshot is checked.");
        }

        var name = $"{TAggregate.Category}.{snapshots.SchemaVersion}.jsonl";
        var path = Path.Combine(goldenFolder, name);
        if ((writeMissing ?? GoldenFiles.AreApproved) && !File.Exists(path))
        {
            Directory.CreateDirectory(goldenFolder);
            File.WriteAllLines(path, lines.Select(line => line.Snapshot));
        }

        CompareGolden(lines, path, name, snapshots.SchemaVersion);
    }

    /// <summary>An event type that does not occur; null if there is none.</summary>
    private static string? MissingType(Type type, HashSet<string> found) => type.Assembly.GetTypes()
        .Where(one => one is { IsAbstract: false, IsInterface: false } && type.IsAssignableFrom(one))
        .Select(one => one.Name)
        .Order(StringComparer.Ordinal)
        .FirstOrDefault(one => !found.Contains(one));

    private static void CompareGolden(List<(string Event, string Snapshot)> lines, string path, string name, int version)
    {
        if (!File.Exists(path))
        {
            throw new SnapshotContractException(
                $"Add {name} with these lines; the file of the version before may go. {GoldenFiles.Hint}{Environment.NewLine}{string.Join('\n', lines.Select(line => line.Snapshot))}");
        }

        var golden = File.ReadAllLines(path);
        for (var index = 0; index < Math.Min(golden.Length, lines.Count); index++)
        {
            if (golden[index] != lines[index].Snapshot)
            {
                throw new SnapshotContractException(
                    $"The snapshot after {lines[index].Event}, line {index + 1} of {name}, is another: its shape, the fold or the events have changed. If this is meant, raise "
                    + $"the schema version of the snapshots to {version + 1}. {name} stays as it is, or goes.{Environment.NewLine}  golden:  {golden[index]}{Environment.NewLine}  written: {lines[index].Snapshot}");
            }
        }

        if (golden.Length < lines.Count)
        {
            throw new SnapshotContractException(
                $"Add these lines to {name}:{Environment.NewLine}{string.Join('\n', lines.Skip(golden.Length).Select(line => line.Snapshot))}");
        }

        if (golden.Length > lines.Count)
        {
            throw new SnapshotContractException($"{name} has {golden.Length - lines.Count} more lines than there are events: give the missing events back.");
        }
    }

    private static string Write(PropertyInfo property, object state) => JsonSerializer.Serialize(property.GetValue(state), property.PropertyType);
}

/// <summary>An aggregate's snapshots break their contract; the message says what to add or change.</summary>
public sealed class SnapshotContractException(string message) : Exception(message);
