using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace GrpcCqrs.EventSourcing;

public sealed partial class EventTypeRegistry
{
    /// <summary>
    /// Collects event types and upcasters. All problems are reported together when the registry is built.
    /// </summary>
    public sealed class Builder
    {
        private readonly List<string> faults = [];

        internal List<EventType> Types { get; } = [];

        internal List<Upcaster> Upcasters { get; } = [];

        /// <summary>
        /// Adds every event of a module: all classes in <typeparamref name="TEvent"/>'s assembly that derive from it or
        /// implement it, each with a <see cref="StoredEventAttribute"/>.
        /// </summary>
        /// <remarks>
        /// Unless the context sets an encoder, text is written unescaped, except for what JSON requires and characters
        /// above U+FFFF, which the runtime's encoders always escape. This keeps payloads readable in the database.
        /// </remarks>
        /// <typeparam name="TEvent">The base type or interface of the module's events.</typeparam>
        /// <param name="json">Source-generated serialisation, with a <c>[JsonSerializable]</c> for each event.</param>
        public Builder AddAll<TEvent>(JsonSerializerContext json)
            where TEvent : class
        {
            ArgumentNullException.ThrowIfNull(json);
            var options = new JsonSerializerOptions(json.Options) { TypeInfoResolver = json };
            options.Encoder ??= JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
            options.MakeReadOnly();
            Type[] events = [.. typeof(TEvent).Assembly.GetTypes().Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(TEvent)))];
            foreach (var type in events)
            {
                AddDeclared(type, options, json.GetType().Name);
            }

            if (events.Length == 0)
            {
                faults.Add($"{typeof(TEvent).Assembly.GetName().Name} has no event that derives from {typeof(TEvent).Name}: name the base type of the module's events.");
            }

            return this;
        }

        /// <summary>Adds a type that has no <see cref="StoredEventAttribute"/>.</summary>
        public Builder Add<TEvent>(string name, int schemaVersion, JsonTypeInfo<TEvent> json)
            where TEvent : class
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(name);
            ArgumentOutOfRangeException.ThrowIfLessThan(schemaVersion, 1);
            Types.Add(new EventType(typeof(TEvent), name, schemaVersion, json));
            return this;
        }

        /// <summary>Adds an upcaster from one schema version of a type to the next. Upcasters are chained.</summary>
        /// <param name="name">The type's stable name.</param>
        /// <param name="schemaVersion">The old version.</param>
        /// <param name="upcast">Converts a payload to the next version; may modify its argument.</param>
        public Builder Upcast(string name, int schemaVersion, Func<JsonObject, JsonObject> upcast) =>
            Upcast(name, schemaVersion, payload => [new JsonEvent(name, schemaVersion + 1, upcast(payload))]);

        /// <summary>Adds an upcaster from an old event to none, one or several other events, of any type.</summary>
        /// <param name="name">The old event's stable name.</param>
        /// <param name="schemaVersion">Its version.</param>
        /// <param name="upcast">Returns the events that replace it, in order.</param>
        public Builder Upcast(string name, int schemaVersion, Func<JsonObject, IEnumerable<JsonEvent>> upcast)
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(name);
            ArgumentOutOfRangeException.ThrowIfLessThan(schemaVersion, 1);
            Upcasters.Add(new Upcaster(name, schemaVersion, upcast));
            return this;
        }

        internal void AddPart(EventTypeRegistry part)
        {
            Types.AddRange(part.byClrType.Values);
            Upcasters.AddRange(part.upcasters.Values);
        }

        /// <exception cref="ArgumentException">
        /// There are problems. The message lists all of them and their fixes.
        /// </exception>
        internal void ThrowIfFaulty()
        {
            foreach (var registered in Types.GroupBy(type => type.ClrType).Where(group => group.Count() > 1))
            {
                faults.Add($"{registered.Key.FullName} is registered {registered.Count()} times: add its module once.");
            }

            foreach (var stored in Types.DistinctBy(type => type.ClrType).GroupBy(type => type.Name, StringComparer.Ordinal).Where(group => group.Count() > 1))
            {
                faults.Add(
                    $"{string.Join(" and ", stored.Select(type => type.ClrType.FullName))} are both stored as {stored.Key}: give the newer one another name in [StoredEvent].");
            }

            foreach (var group in Upcasters.GroupBy(upcaster => (upcaster.Type, upcaster.SchemaVersion)).Where(group => group.Count() > 1))
            {
                faults.Add($"{group.Count()} upcasters start from {group.Key.Type} in schema version {group.Key.SchemaVersion}: remove all but one.");
            }

            foreach (var upcaster in Upcasters)
            {
                if (Types.Find(type => type.Name == upcaster.Type) is { } current && upcaster.SchemaVersion >= current.SchemaVersion)
                {
                    faults.Add(
                        $"{current.Name} is written in schema version {current.SchemaVersion}, so version {upcaster.SchemaVersion} cannot be upcast: "
                        + $"raise the version in [StoredEvent] of {current.ClrType.Name}, or remove the upcaster.");
                }
            }

            if (faults.Count > 0)
            {
                throw new ArgumentException(string.Join(Environment.NewLine, faults));
            }
        }

        private void AddDeclared(Type type, JsonSerializerOptions options, string context)
        {
            var declared = type.GetCustomAttribute<StoredEventAttribute>();
            if (declared is null)
            {
                faults.Add($"{type.FullName} does not say how it is stored: put [StoredEvent(\"MODULE.NAME\", version: 1)] above it.");
            }
            else if (string.IsNullOrWhiteSpace(declared.Name) || declared.Version < 1)
            {
                faults.Add($"{type.FullName} is stored as \"{declared.Name}\", version {declared.Version}: give it a name and a version from 1 in [StoredEvent].");
            }
            else if (type.ContainsGenericParameters || !options.TryGetTypeInfo(type, out var json))
            {
                faults.Add($"{type.FullName} has no source-generated serialisation: put [JsonSerializable(typeof({type.Name}))] above {context}.");
            }
            else
            {
                Types.Add(new EventType(type, declared.Name, declared.Version, json));
            }
        }
    }

    internal sealed record Upcaster(string Type, int SchemaVersion, Func<JsonObject, IEnumerable<JsonEvent>> Upcast);
}
