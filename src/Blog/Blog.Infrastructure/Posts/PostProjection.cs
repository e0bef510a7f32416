using System.Collections.Concurrent;
using System.Data.Common;
using System.Reflection;
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
        using var tables = new ProjectionTables(transaction, cancellationToken);
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

/// <summary>
/// Runs statements inside the projection's transaction. A batch repeats the same few statements for event after event, so each is
/// made once and used again.
/// </summary>
public sealed class ProjectionTables(DbTransaction transaction, CancellationToken cancellationToken) : IDisposable
{
    private static readonly ConcurrentDictionary<Type, PropertyInfo[]> Parameters = new();

    private readonly DbConnection connection = transaction.Connection!;
    private readonly Dictionary<(string Sql, Type Parameters), DbCommand> commands = [];

    /// <summary>Runs a statement.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="parameters">An object whose properties are its parameters.</param>
    public Task ExecuteAsync(string sql, object parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        var properties = Parameters.GetOrAdd(parameters.GetType(), static type => type.GetProperties());
        if (!commands.TryGetValue((sql, parameters.GetType()), out var command))
        {
            commands.Add((sql, parameters.GetType()), command = Create(sql, properties));
        }

        for (var index = 0; index < properties.Length; index++)
        {
            command.Parameters[index].Value = properties[index].GetValue(parameters) ?? DBNull.Value;
        }

        return command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Reads one column of the rows that a statement finds.</summary>
    public Task<IEnumerable<T>> QueryAsync<T>(string sql, object parameters) =>
        connection.QueryAsync<T>(new CommandDefinition(sql, parameters, transaction, cancellationToken: cancellationToken));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var command in commands.Values)
        {
            command.Dispose();
        }
    }

    private DbCommand Create(string sql, PropertyInfo[] properties)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        foreach (var property in properties)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = "@" + property.Name;
            command.Parameters.Add(parameter);
        }

        return command;
    }
}

/// <summary>Tags as a column holds them.</summary>
internal static class TagsColumn
{
    public static string Write(IEnumerable<string> tags) =>
        JsonSerializer.Serialize(tags.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray());

    public static string[] Read(string column) => JsonSerializer.Deserialize<string[]>(column) ?? [];
}
