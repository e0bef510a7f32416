using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;

namespace GrpcCqrs.Storage.Projections;

/// <summary>The kinds of request that the projecting process serves.</summary>
internal enum RequestKind
{
    Rebuild,
    Pause,
    Resume,
    Cancel,
    Switch,
    Rollback,
    Drop,
    Retry,
    Skip,
    Replay,
    Audit,
}

/// <summary>The arguments of a request; each kind uses some of them.</summary>
internal sealed record RequestArguments
{
    public IReadOnlyList<string> Projections { get; init; } = [];

    public bool HoldsOnDifference { get; init; }

    public string? Stream { get; init; }

    public string? LastStream { get; init; }

    public long Position { get; init; }

    /// <summary>The number of streams to audit; 0 for all.</summary>
    public int Sample { get; init; }

    /// <summary>The job that made the request; null for none. A resumed job finds its request by it.</summary>
    public Guid? Job { get; init; }
}

/// <summary>The result of a request.</summary>
internal sealed record RequestResult
{
    /// <summary>The reason code of a rejection; null if it was not rejected.</summary>
    public string? Reason { get; init; }

    public string? Message { get; init; }

    public double? RetryAfterSeconds { get; init; }

    public long Streams { get; init; }

    public long Events { get; init; }

    public int StillParked { get; init; }

    /// <summary>The number of differences; <see cref="Drifts"/> lists the first of them.</summary>
    public long DriftCount { get; init; }

    public IReadOnlyList<Drift> Drifts { get; init; } = [];
}

/// <summary>The progress of a long request.</summary>
/// <param name="Cursor">The last stream that is done.</param>
/// <param name="Result">The result for the streams done so far.</param>
internal sealed record RequestProgress(string Cursor, RequestResult Result);

[JsonSerializable(typeof(RequestArguments))]
[JsonSerializable(typeof(RequestResult))]
[JsonSerializable(typeof(RequestProgress))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
internal sealed partial class RequestJson : JsonSerializerContext;

/// <summary>A request as stored.</summary>
internal sealed record StoredRequest(
    long Id, RequestKind Kind, RequestArguments Arguments, string User, DateTimeOffset Time, int State, RequestProgress? Progress, RequestResult? Result, DateTimeOffset? EndTime);

/// <summary>
/// A durable request queue between operators and the projecting process. It is in the read database, so any process can
/// accept a request, and the request outlives the process that serves it.
/// </summary>
internal sealed class OperatorRequests(ReadDatabase database, CommitSignal signal, TimeProvider clock)
{
    private volatile bool isPending = true;
    private long served;

    /// <summary>
    /// The request that this process is serving; 0 for none. The request's row is marked done before this process's
    /// queries see its effect; a caller in this process waits for both.
    /// </summary>
    public long Served
    {
        get => Volatile.Read(ref served);
        set => Volatile.Write(ref served, value);
    }

    /// <summary>Whether this process has queued a request since the last call.</summary>
    public bool TakePending()
    {
        var was = isPending;
        isPending = false;
        return was;
    }

    public async Task<long> AddAsync(RequestKind kind, RequestArguments arguments, string user, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = Statement.Once(
            connection,
            null,
            ProjectionSql.InsertRequest(database.Provider),
            ("kind", kind.ToString()), ("arguments", JsonSerializer.Serialize(arguments, RequestJson.Default.RequestArguments)), ("user_name", user),
            ("time_us", UnixMicroseconds.From(clock.GetUtcNow())));
        var id = (long)(await command.ExecuteScalarAsync(cancellationToken))!;
        isPending = true;
        signal.Wake();
        return id;
    }

    public async Task<StoredRequest?> FindAsync(long id, CancellationToken cancellationToken) =>
        (await ReadAsync(ProjectionSql.SelectRequest, cancellationToken, ("id", id))).FirstOrDefault();

    /// <summary>Requests, newest first.</summary>
    public Task<List<StoredRequest>> ReadNewestAsync(long before, int count, CancellationToken cancellationToken) =>
        ReadAsync(ProjectionSql.SelectRequests(database.Provider), cancellationToken, ("before", before), ("count", count));

    /// <summary>The unfinished requests, oldest first.</summary>
    public async Task<List<StoredRequest>> ReadOpenAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = Statement.Once(connection, null, ProjectionSql.SelectOpenRequests);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var open = new List<StoredRequest>();
        while (await reader.ReadAsync(cancellationToken))
        {
            // A kind that only a newer version of the service knows waits until that version serves it.
            if (Enum.TryParse<RequestKind>(reader.GetString(1), out var kind))
            {
                open.Add(new StoredRequest(
                    reader.GetInt64(0), kind, Arguments(reader.GetString(2)), reader.GetString(3), default, 0,
                    reader.IsDBNull(4) ? null : JsonSerializer.Deserialize(reader.GetString(4), RequestJson.Default.RequestProgress), null, null));
            }
        }

        return open;
    }

    public static Task SaveAsync(ProjectionSession session, DbTransaction transaction, long id, RequestProgress progress, CancellationToken cancellationToken) =>
        session.RunAsync(
            ProjectionSql.UpdateRequest, transaction, cancellationToken,
            ("progress", JsonSerializer.Serialize(progress, RequestJson.Default.RequestProgress)), ("id", id));

    public Task FinishAsync(ProjectionSession session, DbTransaction transaction, long id, RequestResult result, bool isDone, CancellationToken cancellationToken) =>
        session.RunAsync(
            ProjectionSql.FinishRequest, transaction, cancellationToken,
            ("state", isDone ? 1 : 2), ("result", JsonSerializer.Serialize(result, RequestJson.Default.RequestResult)),
            ("time_us", UnixMicroseconds.From(clock.GetUtcNow())), ("id", id));

    private static RequestArguments Arguments(string json) => JsonSerializer.Deserialize(json, RequestJson.Default.RequestArguments)!;

    private async Task<List<StoredRequest>> ReadAsync(string text, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = Statement.Once(connection, null, text, parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<StoredRequest>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new StoredRequest(
                reader.GetInt64(0), Enum.Parse<RequestKind>(reader.GetString(1)), Arguments(reader.GetString(2)), reader.GetString(3),
                UnixMicroseconds.ToTime(reader.GetInt64(4)), reader.GetInt32(5),
                reader.IsDBNull(6) ? null : JsonSerializer.Deserialize(reader.GetString(6), RequestJson.Default.RequestProgress),
                reader.IsDBNull(7) ? null : JsonSerializer.Deserialize(reader.GetString(7), RequestJson.Default.RequestResult),
                reader.GetInt64(8) == 0 ? null : UnixMicroseconds.ToTime(reader.GetInt64(8))));
        }

        return rows;
    }
}
