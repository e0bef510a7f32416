using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace GrpcCqrs.Storage;

/// <summary>What an operator may ask of the projecting process.</summary>
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

/// <summary>With what; each kind uses some of it.</summary>
internal sealed record RequestArguments
{
    public IReadOnlyList<string> Projections { get; init; } = [];

    public bool HoldsOnDifference { get; init; }

    public string? Stream { get; init; }

    public string? LastStream { get; init; }

    public long Position { get; init; }

    /// <summary>How many streams to audit; 0 for all.</summary>
    public int Sample { get; init; }

    /// <summary>The job that asks; null for none. A job that is resumed finds its request by it.</summary>
    public Guid? Job { get; init; }
}

/// <summary>What came of a request.</summary>
internal sealed record RequestResult
{
    /// <summary>The reason code of a refusal; null where it was none.</summary>
    public string? Reason { get; init; }

    public string? Message { get; init; }

    public double? RetryAfterSeconds { get; init; }

    public long Streams { get; init; }

    public long Events { get; init; }

    public int StillParked { get; init; }

    /// <summary>How many differences there are; <see cref="Drifts"/> names the first.</summary>
    public long DriftCount { get; init; }

    public IReadOnlyList<Drift> Drifts { get; init; } = [];
}

/// <summary>How far a long request has come.</summary>
/// <param name="Cursor">The last stream that is done.</param>
/// <param name="Result">What came of those that are.</param>
internal sealed record RequestProgress(string Cursor, RequestResult Result);

[JsonSerializable(typeof(RequestArguments))]
[JsonSerializable(typeof(RequestResult))]
[JsonSerializable(typeof(RequestProgress))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
internal sealed partial class RequestJson : JsonSerializerContext;

/// <summary>A request as it is stored.</summary>
internal sealed record StoredRequest(
    long Id, RequestKind Kind, RequestArguments Arguments, string User, DateTimeOffset Time, int State, RequestProgress? Progress, RequestResult? Result, DateTimeOffset? EndTime);

/// <summary>
/// The desk between operators and the projecting process, in the read database, so that any process takes a request and it outlives
/// the one that serves it.
/// </summary>
internal sealed class OperatorRequests(ReadDatabase database, CommitSignal signal, TimeProvider clock)
{
    private volatile bool isPending = true;
    private long served;

    /// <summary>
    /// The request that this process is serving; 0 for none. Its row tells that it is done before the process's own queries know what it
    /// did; who asked here waits for that.
    /// </summary>
    public long Served
    {
        get => Volatile.Read(ref served);
        set => Volatile.Write(ref served, value);
    }

    /// <summary>Whether this process has put something on the desk since it was last asked.</summary>
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

    /// <summary>The newest first.</summary>
    public Task<List<StoredRequest>> ReadNewestAsync(long before, int count, CancellationToken cancellationToken) =>
        ReadAsync(ProjectionSql.SelectRequests(database.Provider), cancellationToken, ("before", before), ("count", count));

    /// <summary>Those that nobody has finished, the oldest first.</summary>
    public async Task<List<StoredRequest>> ReadOpenAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = Statement.Once(connection, null, ProjectionSql.SelectOpenRequests);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var open = new List<StoredRequest>();
        while (await reader.ReadAsync(cancellationToken))
        {
            // What a newer version of the service asks for waits until one serves it.
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
