using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Readers;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage.Projections;

/// <summary>An operation requested by an operator.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Kind">Its kind: the name of the method of <see cref="ProjectionOperations"/>.</param>
/// <param name="Projections">The projections it applies to.</param>
/// <param name="User">The user who requested it.</param>
/// <param name="Time">When it was requested.</param>
/// <param name="EndTime">When it ended; null while it waits or runs.</param>
/// <param name="HasFailed">Whether it was rejected or failed.</param>
/// <param name="Message">Why it failed; null if it did not.</param>
internal sealed record Operation(
    long Id, string Kind, IReadOnlyList<string> Projections, string User, DateTimeOffset Time, DateTimeOffset? EndTime, bool HasFailed, string? Message)
{
    /// <summary>The reason code of a rejection; null if it was not rejected.</summary>
    public string? Reason { get; init; }

    /// <summary>The number of streams that a replay or an audit has processed.</summary>
    public long Streams { get; init; }

    /// <summary>The number of parked events that a retry has applied.</summary>
    public long Events { get; init; }

    /// <summary>The number of streams still parked after a retry.</summary>
    public int StillParked { get; init; }

    /// <summary>The number of differences that an audit has found.</summary>
    public long DriftCount { get; init; }

    /// <summary>The first differences, at most 100.</summary>
    public IReadOnlyList<Drift> Drifts { get; init; } = [];
}

/// <summary>The status of the read side.</summary>
/// <param name="Head">The newest position of the store.</param>
/// <param name="Holder">
/// The process that holds the projector's lease, or held it last if it died; empty if there is none.
/// </param>
/// <param name="IsThisProcess">Whether that is this process.</param>
/// <param name="Generations">
/// One status for each generation in use. Only the projecting process knows failed attempts and the last error.
/// </param>
internal sealed record ProjectionOverview(long Head, string Holder, bool IsThisProcess, IReadOnlyList<ProjectionStatus> Generations);

/// <summary>
/// The operators' commands for the read model. Any process accepts them; requests reach the projecting process through
/// the read database.
/// </summary>
internal sealed class ProjectionOperations
{
    private const int FailedState = 2;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(20);
    /// <summary>The number of requests searched at a time.</summary>
    private const int RequestPage = 100;

    /// <summary>The largest assumed difference between the clocks of two processes.</summary>
    private static readonly TimeSpan MaxClockDifference = TimeSpan.FromHours(1);
    private static readonly TimeSpan SecondLook = TimeSpan.FromSeconds(1);

    private readonly OperatorRequests requests;
    private readonly ReadDatabase database;
    private readonly IReadOnlyList<IProjection> projections;
    private readonly ReadModel readModel;
    private readonly Lease lease;
    private readonly IEventStore store;
    private readonly StoreIdentity identity;
    private readonly ProjectionOptions options;
    private readonly TimeProvider clock;

    internal ProjectionOperations(
        OperatorRequests requests,
        ReadDatabase database,
        IEnumerable<IProjection> projections,
        ReadModel readModel,
        Lease lease,
        IEventStore store,
        StoreIdentity identity,
        IOptions<ProjectionOptions> options,
        TimeProvider clock)
    {
        this.requests = requests;
        this.database = database;
        this.projections = [.. projections];
        this.readModel = readModel;
        this.lease = lease;
        this.store = store;
        this.identity = identity;
        this.options = options.Value;
        this.clock = clock;
    }

    /// <summary>
    /// The names of the projections that can refold a single stream, and so can be replayed and audited.
    /// </summary>
    public IReadOnlyList<string> ByStreamNames => [.. projections.OfType<IStreamProjection>().Select(projection => projection.Name)];

    /// <summary>The names of all projections.</summary>
    public IReadOnlyList<string> Names => [.. projections.Select(projection => projection.Name)];

    /// <summary>Whether this process has a read database; a command-only node has none.</summary>
    public bool HasReadDatabase => options.Mode != ProjectionMode.Off;

    /// <summary>
    /// The status of the projections. A process that neither projects nor follows, such as the command line, measures
    /// the speed of a rebuild by reading twice, one second apart.
    /// </summary>
    /// <exception cref="System.Data.Common.DbException">A database failed.</exception>
    public async Task<ProjectionOverview> ReadAsync(CancellationToken cancellationToken)
    {
        var sets = readModel.Current;
        if (sets.Count == 0)
        {
            var follower = new ReadModelFollower(database, readModel, store, identity, projections, clock);
            sets = (await follower.ReadAsync(cancellationToken)).Statuses;
            if (sets.Any(set => set.State == GenerationState.Building))
            {
                await Task.Delay(SecondLook, clock, cancellationToken);
                sets = (await follower.ReadAsync(cancellationToken)).Statuses;
            }
        }

        // Read the newest position last, so that no generation appears to be ahead of it.
        var (holder, isThisProcess) = await lease.ReadHolderAsync(cancellationToken);
        return new ProjectionOverview(await store.ReadHeadAsync(cancellationToken), holder, isThisProcess, sets);
    }

    /// <summary>
    /// Rebuilds projections: fills a new generation from the first event on, and switches to it when it has caught up.
    /// </summary>
    /// <param name="names">The projections; empty for all.</param>
    /// <param name="holdOnDifference">
    /// Whether a rebuild whose tables differ from the live ones awaits approval, by <see cref="SwitchAsync"/> or
    /// <see cref="CancelRebuildAsync"/>; otherwise it switches and records the differences.
    /// </param>
    /// <param name="user">The requesting user.</param>
    /// <param name="cancellationToken">Cancels the wait for the result; the request itself continues.</param>
    /// <exception cref="RejectedException">There is no such projection, or it is being rebuilt.</exception>
    public Task RebuildAsync(IReadOnlyList<string> names, bool holdOnDifference, string user, CancellationToken cancellationToken) => AskAsync(
        RequestKind.Rebuild, new RequestArguments { Projections = NamesOrAll(names), HoldsOnDifference = holdOnDifference }, user, cancellationToken);

    /// <summary>Pauses a rebuild until it is resumed.</summary>
    /// <exception cref="RejectedException">The projection is not being rebuilt.</exception>
    public Task PauseRebuildAsync(string name, string user, CancellationToken cancellationToken) => AskAsync(RequestKind.Pause, name, user, cancellationToken);

    /// <summary>Resumes a paused rebuild.</summary>
    /// <exception cref="RejectedException">No rebuild of the projection is paused.</exception>
    public Task ResumeRebuildAsync(string name, string user, CancellationToken cancellationToken) => AskAsync(RequestKind.Resume, name, user, cancellationToken);

    /// <summary>Cancels a rebuild; the live tables stay.</summary>
    /// <exception cref="RejectedException">The projection is not being rebuilt.</exception>
    public Task CancelRebuildAsync(string name, string user, CancellationToken cancellationToken) => AskAsync(RequestKind.Cancel, name, user, cancellationToken);

    /// <summary>Approves a rebuild that differs from the live tables, and switches to it.</summary>
    /// <exception cref="RejectedException">No rebuild of the projection awaits approval.</exception>
    public Task SwitchAsync(string name, string user, CancellationToken cancellationToken) => AskAsync(RequestKind.Switch, name, user, cancellationToken);

    /// <summary>Switches back to the previous generation; the current live one becomes the previous one.</summary>
    /// <exception cref="RejectedException">There is no previous generation that is kept up to date.</exception>
    public Task RollBackAsync(string name, string user, CancellationToken cancellationToken) => AskAsync(RequestKind.Rollback, name, user, cancellationToken);

    /// <summary>Drops the previous generation, which saves the cost of keeping it up to date.</summary>
    /// <exception cref="RejectedException">There is no previous generation.</exception>
    public Task DropPreviousAsync(string name, string user, CancellationToken cancellationToken) => AskAsync(RequestKind.Drop, name, user, cancellationToken);

    /// <summary>Applies parked events, of one stream or of all, and makes a stalled projection retry at once.</summary>
    /// <exception cref="RejectedException">There is no such projection.</exception>
    public Task<Operation> RetryParkedAsync(string name, string? stream, string user, CancellationToken cancellationToken) => AskAsync(
        RequestKind.Retry, new RequestArguments { Projections = [name], Stream = stream }, user, cancellationToken);

    /// <summary>
    /// Skips an event in a projection for good: the first parked event of its stream, or the event that the projection
    /// is stalled at. The skip is recorded with its user.
    /// </summary>
    /// <exception cref="RejectedException">No such event blocks the projection.</exception>
    public Task SkipParkedAsync(string name, long position, string user, CancellationToken cancellationToken) => AskAsync(
        RequestKind.Skip, new RequestArguments { Projections = [name], Position = position }, user, cancellationToken);

    /// <summary>
    /// Refolds one stream, or a range of streams by name, in the live tables. Continues after this method returns.
    /// </summary>
    /// <param name="names">The projections; empty for all that can refold a single stream.</param>
    /// <param name="first">The stream, or the first of the range.</param>
    /// <param name="last">The last stream of the range, in the database's order of names; null for one stream.</param>
    /// <param name="user">The requesting user.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <returns>The operation's number.</returns>
    /// <exception cref="RejectedException">There is no such projection.</exception>
    public Task<long> StartReplayAsync(IReadOnlyList<string> names, StreamId first, StreamId? last, string user, CancellationToken cancellationToken) => requests.AddAsync(
        RequestKind.Replay,
        new RequestArguments { Projections = ByStreamOrAll(names), Stream = first.ToString(), LastStream = last?.ToString() },
        user,
        cancellationToken);

    /// <summary>
    /// Compares the live tables with a fold of some streams' events. Continues after this method returns.
    /// </summary>
    /// <param name="names">The projections; empty for all that can refold a single stream.</param>
    /// <param name="sample">The number of streams to draw at random; 0 for all streams.</param>
    /// <param name="user">The requesting user.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <returns>The operation's number.</returns>
    /// <exception cref="RejectedException">There is no such projection.</exception>
    public Task<long> StartAuditAsync(IReadOnlyList<string> names, int sample, string user, CancellationToken cancellationToken) => requests.AddAsync(
        RequestKind.Audit, new RequestArguments { Projections = ByStreamOrAll(names), Sample = sample }, user, cancellationToken);

    /// <summary>Finds an operation by its number; null if there is none.</summary>
    public async Task<Operation?> FindAsync(long id, CancellationToken cancellationToken) =>
        await requests.FindAsync(id, cancellationToken) is { } found ? ToOperation(found) : null;

    /// <summary>Operations, newest first.</summary>
    /// <param name="before">The number of the last one seen; <see cref="long.MaxValue"/> to begin.</param>
    /// <param name="count">The most operations to return.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    public async Task<IReadOnlyList<Operation>> ListAsync(long before, int count, CancellationToken cancellationToken) =>
        (await requests.ReadNewestAsync(before, count, cancellationToken)).ConvertAll(ToOperation);

    /// <summary>Parked events of the live tables, ordered by position and projection.</summary>
    /// <param name="projection">The projection; empty for all.</param>
    /// <param name="after">The last position seen, for all its projections; 0 to begin.</param>
    /// <param name="count">The most events to return.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <exception cref="RejectedException">This version of the service has no such projection.</exception>
    public Task<IReadOnlyList<ParkedEvent>> ListParkedAsync(string projection, long after, int count, CancellationToken cancellationToken) =>
        ListParkedAsync(projection, (after + 1, ""), count, cancellationToken);

    /// <summary>
    /// The overload that continues after an event and a projection: an event may be parked for several of them.
    /// </summary>
    public async Task<IReadOnlyList<ParkedEvent>> ListParkedAsync(
        string projection, (long Position, string Projection) after, int count, CancellationToken cancellationToken)
    {
        if (projection.Length > 0 && projections.All(known => known.Name != projection))
        {
            throw NotFound(projection);
        }

        return await ParkedEvents.ReadAsync(database, projection, after, count, cancellationToken);
    }

    /// <summary>All skipped events, ordered by position.</summary>
    public async Task<IReadOnlyList<SkippedEvent>> ListSkippedAsync(CancellationToken cancellationToken) =>
        await ParkedEventStore.ReadSkippedAsync(database, cancellationToken);

    private Task<Operation> AskAsync(RequestKind kind, string name, string user, CancellationToken cancellationToken) =>
        AskAsync(kind, new RequestArguments { Projections = [name] }, user, cancellationToken);

    /// <summary>Queues a request and waits until it is served.</summary>
    private async Task<Operation> AskAsync(RequestKind kind, RequestArguments arguments, string user, CancellationToken cancellationToken)
    {
        var id = await requests.AddAsync(kind, arguments, user, cancellationToken);
        return await WaitAsync(id, cancellationToken);
    }

    /// <summary>
    /// Queues a request for a job, unless this run of the job or an earlier, interrupted one has already queued it.
    /// </summary>
    /// <returns>The request's number.</returns>
    internal async Task<long> AskForJobAsync(
        RequestKind kind, RequestArguments arguments, (Guid Id, string User, DateTimeOffset CreatedTime) job, CancellationToken cancellationToken)
    {
        var before = long.MaxValue;
        while (await requests.ReadNewestAsync(before, RequestPage, cancellationToken) is { Count: > 0 } page)
        {
            if (page.Find(request => request.Kind == kind && request.Arguments.Job == job.Id && request.Arguments.Projections.SequenceEqual(arguments.Projections)) is { } asked)
            {
                if (asked.Result?.RetryAfterSeconds is not null)
                {
                    break; // Rejected temporarily: queue it again.
                }

                return asked.Id;
            }

            if (page[^1].Time < job.CreatedTime - MaxClockDifference)
            {
                break;
            }

            before = page[^1].Id;
        }

        return await requests.AddAsync(kind, arguments with { Job = job.Id }, job.User, cancellationToken);
    }

    /// <summary>Waits until a request is served.</summary>
    /// <exception cref="RejectedException">The request was rejected, or no process serves it.</exception>
    internal async Task<Operation> WaitAsync(long id, CancellationToken cancellationToken)
    {
        var begun = clock.GetTimestamp();
        while (true)
        {
            var found = await requests.FindAsync(id, cancellationToken) ?? throw new InvalidOperationException($"Request {id} is gone.");
            if (found.State != 0 && requests.Served != id)
            {
                return found.Result?.Reason is { } reason ? throw Refusal(reason, found)
                    : found.State == FailedState ? throw new InvalidOperationException($"Request {id} failed in the process that projects: {found.Result?.Message}")
                    : ToOperation(found);
            }

            if (clock.GetElapsedTime(begun) > options.MaxTokenWait + options.LeaseDuration)
            {
                throw new RejectedException(EngineErrors.ProjectorSilent, $"No process serves request {id} right now; it stays queued until one does.")
                {
                    RetryAfter = options.LeaseDuration,
                };
            }

            await Task.Delay(LookInterval, clock, cancellationToken);
        }
    }

    private static RejectedException Refusal(string reason, StoredRequest refused) =>
        new(EngineErrors.All.FirstOrDefault(code => code.Reason == reason) ?? EngineErrors.DatabaseUnavailable, refused.Result!.Message ?? reason)
        {
            RetryAfter = refused.Result.RetryAfterSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            Subject = refused.Arguments.Projections is [var only] ? $"projections/{only}" : null,
        };

    private static RejectedException NotFound(string name) =>
        new(EngineErrors.ProjectionNotFound, $"There is no projection {name}. A consumer group or subscription is named consumerGroups/{name}.") { Subject = $"projections/{name}" };

    private static Operation ToOperation(StoredRequest stored)
    {
        var result = stored.Result ?? stored.Progress?.Result ?? new RequestResult();
        return new Operation(
            stored.Id, stored.Kind.ToString(), stored.Arguments.Projections, stored.User, stored.Time, stored.EndTime, stored.State == FailedState, result.Message)
        {
            Reason = result.Reason,
            Streams = result.Streams,
            Events = result.Events,
            StillParked = result.StillParked,
            DriftCount = result.DriftCount,
            Drifts = result.Drifts,
        };
    }

    /// <summary>The projections with these names, or all.</summary>
    /// <exception cref="RejectedException">There is no such projection.</exception>
    internal string[] NamesOrAll(IReadOnlyList<string> names)
    {
        foreach (var name in names)
        {
            if (projections.All(known => known.Name != name))
            {
                throw NotFound(name);
            }
        }

        return names.Count > 0 ? [.. names] : [.. projections.Select(projection => projection.Name)];
    }

    /// <summary>The projections with these names, or all that can refold a single stream.</summary>
    /// <exception cref="RejectedException">
    /// There is no such projection, or it cannot refold a single stream.
    /// </exception>
    internal string[] ByStreamOrAll(IReadOnlyList<string> names)
    {
        foreach (var name in names)
        {
            if (projections.FirstOrDefault(projection => projection.Name == name) is not IStreamProjection)
            {
                throw projections.Any(projection => projection.Name == name)
                    ? new RejectedException(EngineErrors.NotByStream, $"{name} cannot fold a single stream anew: its rows depend on several. Rebuild it.")
                    {
                        Subject = $"projections/{name}",
                    }
                    : NotFound(name);
            }
        }

        string[] chosen = names.Count > 0 ? [.. names] : [.. ByStreamNames];
        return chosen.Length > 0 ? chosen : throw new RejectedException(EngineErrors.NotByStream, "No projection of this service can fold a single stream anew.");
    }
}
