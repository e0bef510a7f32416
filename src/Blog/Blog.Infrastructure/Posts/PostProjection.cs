using System.Data.Common;
using System.Text.Json;
using Blog.Domain.Posts;
using Dapper;
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
    public async Task ApplyAsync(IReadOnlyList<EventEnvelope> batch, DbTransaction transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var tables = new ProjectionTables(transaction, cancellationToken);
        foreach (var (record, @event) in batch)
        {
            await ApplyAsync(tables, (PostEvent)@event, new PostChange(record));
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

/// <summary>Runs statements inside the projection's transaction.</summary>
public sealed class ProjectionTables(DbTransaction transaction, CancellationToken cancellationToken)
{
    private readonly DbConnection connection = transaction.Connection!;

    /// <summary>Runs a statement.</summary>
    public Task ExecuteAsync(string sql, object parameters) =>
        connection.ExecuteAsync(new CommandDefinition(sql, parameters, transaction, cancellationToken: cancellationToken));

    /// <summary>Reads one column of the rows that a statement finds.</summary>
    public Task<IEnumerable<T>> QueryAsync<T>(string sql, object parameters) =>
        connection.QueryAsync<T>(new CommandDefinition(sql, parameters, transaction, cancellationToken: cancellationToken));
}

/// <summary>Tags as a column holds them.</summary>
internal static class TagsColumn
{
    public static string Write(IEnumerable<string> tags) =>
        JsonSerializer.Serialize(tags.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray());

    public static string[] Read(string column) => JsonSerializer.Deserialize<string[]>(column) ?? [];
}
