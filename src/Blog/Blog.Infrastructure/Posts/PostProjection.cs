using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;
using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;

namespace Blog.Infrastructure.Posts;

/// <summary>A projection of post events, one event at a time.</summary>
public abstract class PostProjection : IProjection
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract int Version { get; }

    /// <inheritdoc/>
    public abstract IReadOnlyList<string> Tables { get; }

    /// <inheritdoc/>
    public IReadOnlyCollection<Type> Handles { get; } = [typeof(PostEvent)];

    /// <inheritdoc/>
    public async Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, IProjectionTables tables, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var target = new ProjectionTables(tables, cancellationToken);
        foreach (var (record, @event) in batch)
        {
            await ApplyAsync(target, (PostEvent)@event, new PostChange(record));
        }
    }

    /// <summary>Applies one event.</summary>
    protected abstract Task ApplyAsync(ProjectionTables tables, PostEvent @event, PostChange change);
}

/// <summary>What every event says of the post that it belongs to; the properties are the parameters of the statements.</summary>
public sealed class PostChange(RecordedEvent record)
{
    /// <summary>The post.</summary>
    public string Id { get; } = record.Stream.Id;

    /// <summary>The post's version after the event.</summary>
    public long Version { get; } = record.Version;

    /// <summary>When it happened, in microseconds since 1970.</summary>
    public long Time { get; } = UnixMicroseconds.From(record.Time);
}

/// <summary>Runs statements whose parameters are an object's properties.</summary>
public sealed class ProjectionTables(IProjectionTables tables, CancellationToken cancellationToken)
{
    private static readonly ConcurrentDictionary<Type, PropertyInfo[]> Properties = new();

    /// <summary>Runs a statement.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="parameters">An object whose properties are its parameters.</param>
    public Task ExecuteAsync(string sql, object parameters) => tables.ExecuteAsync(sql, Values(parameters), cancellationToken);

    /// <summary>Reads one column of the rows that a statement finds.</summary>
    public async Task<IEnumerable<string>> QueryAsync<T>(string sql, object parameters) =>
        await tables.QueryAsync(sql, Values(parameters), reader => reader.GetString(0), cancellationToken);

    private static (string Name, object? Value)[] Values(object parameters)
    {
        var properties = Properties.GetOrAdd(parameters.GetType(), static type => type.GetProperties());
        return Array.ConvertAll(properties, property => (property.Name, property.GetValue(parameters)));
    }
}

/// <summary>Tags as a column holds them.</summary>
internal static class TagsColumn
{
    public static string Write(IEnumerable<string> tags) =>
        JsonSerializer.Serialize(tags.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray());

    public static string[] Read(string column) => JsonSerializer.Deserialize<string[]>(column) ?? [];
}
