using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Readers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage.Projections;

/// <summary>
/// Serves operators' requests between the live batches: short requests at once, long ones in slices with their progress
/// saved. Used by the runner's loop only.
/// </summary>
internal sealed partial class OperatorWork(
    OperatorRequests requests,
    Projector projector,
    Rebuilder rebuilder,
    ParkedEvents parked,
    StreamReplay replay,
    DriftAudit audit,
    DriftMetrics metrics,
    IEventStore store,
    WriteDatabase write,
    IOptions<ProjectionOptions> options,
    TimeProvider clock,
    ILogger<OperatorWork> logger)
{
    private const int MaxReportedDrifts = 100;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    private List<StoredRequest> open = [];
    private long lookedAt;

    /// <summary>Serves the open requests.</summary>
    /// <returns>Whether there is more to do at once.</returns>
    public async Task<bool> ServeOpenRequestsAsync(CancellationToken cancellationToken)
    {
        if (requests.TakePending() || clock.GetElapsedTime(lookedAt) >= LookInterval)
        {
            lookedAt = clock.GetTimestamp();
            open = await requests.ReadOpenAsync(cancellationToken);
        }

        try
        {
            foreach (var request in open.ToArray())
            {
                requests.Served = request.Id;
                await ServeAsync(request, cancellationToken);
            }
        }
        catch
        {
            // The request's outcome is unknown: read the open requests again.
            (open, lookedAt) = ([], 0);
            throw;
        }
        finally
        {
            requests.Served = 0;
        }

        return open.Count > 0;
    }

    private async Task ServeAsync(StoredRequest request, CancellationToken cancellationToken)
    {
        RequestResult? result;
        var isDone = true;
        try
        {
            result = await RunAsync(request, cancellationToken);
        }
        catch (RejectedException refusal)
        {
            result = (request.Progress?.Result ?? new RequestResult()) with { Reason = refusal.Code.Reason, Message = refusal.Message, RetryAfterSeconds = refusal.RetryAfter?.TotalSeconds };
            isDone = false;
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or LeaseLostException or CheckpointMovedException))
        {
            LogFailed(logger, request.Kind, request.Id, exception);

            // It is unknown how much was done: reload the state.
            await projector.ResetAsync();
            result = (request.Progress?.Result ?? new RequestResult()) with { Message = ErrorText.Of(exception) };
            isDone = false;
        }

        if (result is not null)
        {
            await projector.InTransactionAsync(
                (session, transaction) => requests.FinishAsync(session, transaction, request.Id, result, isDone, cancellationToken), cancellationToken);
            open.RemoveAll(one => one.Id == request.Id);
            projector.Publish();
            LogServed(logger, request.Kind, request.Id, request.User);
            if (result.DriftCount > 0)
            {
                var first = result.Drifts[0];
                LogDrift(logger, request.Id, result.DriftCount, first.Projection, first.Rows, first.Stream, first.Position, first.Field);
            }
        }
    }

    /// <summary>Runs a request, or a slice of it; returns null if there is more to do.</summary>
    private async Task<RequestResult?> RunAsync(StoredRequest request, CancellationToken cancellationToken)
    {
        var arguments = request.Arguments;

        // A request that must not be served twice is finished in the transaction that does its work. Otherwise a
        // process killed in between would leave it open, and the next process would reject it.
        Task EndAsync(ProjectionSession session, DbTransaction transaction) =>
            requests.FinishAsync(session, transaction, request.Id, new RequestResult(), true, cancellationToken);

        switch (request.Kind)
        {
            case RequestKind.Rebuild:
                await rebuilder.StartAsync(arguments.Projections, arguments.HoldsOnDifference, cancellationToken, EndAsync);
                return new RequestResult();
            case RequestKind.Pause:
                return await ChangeAsync([GenerationState.Building], GenerationState.Paused);
            case RequestKind.Resume:
                return await ChangeAsync([GenerationState.Paused], GenerationState.Building);
            case RequestKind.Cancel:
                return await ChangeAsync([GenerationState.Building, GenerationState.Paused, GenerationState.AwaitingApproval], GenerationState.Dropped);
            case RequestKind.Drop:
                return await ChangeAsync([GenerationState.Previous], GenerationState.Dropped);
            case RequestKind.Switch:
                return await SwitchAsync(GenerationState.AwaitingApproval);
            case RequestKind.Rollback:
                return await SwitchAsync(GenerationState.Previous);
            case RequestKind.Retry:
                var (applied, stillParked) = await parked.RetryAsync(arguments.Projections[0], arguments.Stream, cancellationToken);
                return new RequestResult { Events = applied, StillParked = stillParked };
            case RequestKind.Skip:
                await parked.SkipAsync(arguments.Projections[0], arguments.Position, request.User, EndAsync, cancellationToken);
                return new RequestResult();
            case RequestKind.Replay:
                return await StreamsAsync(request, (projection, stream) => ReplayAsync(projection, stream, cancellationToken), cancellationToken);
            case RequestKind.Audit:
                var result = await StreamsAsync(request, (projection, stream) => audit.AuditAsync(projection, stream, cancellationToken), cancellationToken);
                if (result is not null)
                {
                    metrics.Audited(result.DriftCount);
                }

                return result;
            default:
                throw new InvalidOperationException($"{request.Kind} is no kind of request.");
        }

        async Task<RequestResult> ChangeAsync(GenerationState[] from, GenerationState to)
        {
            foreach (var name in arguments.Projections)
            {
                await rebuilder.ChangeAsync(name, from, to, cancellationToken, EndAsync);
            }

            return new RequestResult();
        }

        async Task<RequestResult> SwitchAsync(GenerationState from)
        {
            foreach (var name in arguments.Projections)
            {
                await rebuilder.SwitchAsync(name, from, EndAsync, cancellationToken);
            }

            return new RequestResult();
        }
    }

    private async Task<IReadOnlyList<Drift>> ReplayAsync(string projection, StreamId stream, CancellationToken cancellationToken)
    {
        await replay.ReplayAsync(projection, stream, cancellationToken);
        return [];
    }

    /// <summary>Processes streams for as long as the live tables may wait; returns null if there are more.</summary>
    private async Task<RequestResult?> StreamsAsync(
        StoredRequest request, Func<string, StreamId, Task<IReadOnlyList<Drift>>> work, CancellationToken cancellationToken)
    {
        var begun = clock.GetTimestamp();
        var (cursor, result) = (request.Progress?.Cursor ?? "", request.Progress?.Result ?? new RequestResult());
        var sampled = request.Arguments.Sample;
        while (true)
        {
            var streams = sampled > 0
                ? await DrawAsync((int)Math.Min(sampled - result.Streams, 20), cancellationToken)
                : await NextAsync(request.Arguments, cursor, cancellationToken);
            foreach (var stream in streams)
            {
                foreach (var projection in request.Arguments.Projections)
                {
                    var drifts = await work(projection, StreamId.Parse(stream));
                    result = result with
                    {
                        DriftCount = result.DriftCount + drifts.Count,
                        Drifts = [.. result.Drifts, .. drifts.Take(MaxReportedDrifts - result.Drifts.Count)],
                    };
                }

                (cursor, result) = (stream, result with { Streams = result.Streams + 1 });
            }

            if (streams.Count == 0 || (sampled > 0 && result.Streams >= sampled) || (sampled == 0 && request.Arguments is { Stream: not null, LastStream: null }))
            {
                return result;
            }

            if (clock.GetElapsedTime(begun) >= options.Value.RebuildTurn)
            {
                var progress = new RequestProgress(cursor, result);
                await projector.InTransactionAsync(
                    (session, transaction) => OperatorRequests.SaveAsync(session, transaction, request.Id, progress, cancellationToken), cancellationToken);
                open[open.FindIndex(one => one.Id == request.Id)] = request with { Progress = progress };
                return null;
            }
        }
    }

    private async Task<List<string>> NextAsync(RequestArguments arguments, string cursor, CancellationToken cancellationToken)
    {
        if (arguments is { Stream: { } only, LastStream: null })
        {
            return [only];
        }

        var streams = new List<string>();
        if (cursor.Length == 0 && arguments.Stream is { } first)
        {
            // The range includes its first stream, which need not exist.
            var page = await store.ReadStreamAsync(StreamId.Parse(first), 1, 1, cancellationToken);
            streams.AddRange(page.Events.Select(record => record.Stream.ToString()));
        }

        streams.AddRange(await StreamReplay.StreamsAsync(
            write, cursor.Length > 0 ? cursor : arguments.Stream ?? "", arguments.LastStream ?? "", 20, cancellationToken));
        return streams;
    }

    /// <summary>The streams of randomly drawn events; streams with many events are drawn more often.</summary>
    private async Task<List<string>> DrawAsync(int count, CancellationToken cancellationToken)
    {
        var head = await store.ReadHeadAsync(cancellationToken);
        var streams = new List<string>();
        for (var drawn = 0; drawn < count && head > 0; drawn++)
        {
            var page = await store.ReadAllAsync(Random.Shared.NextInt64(head), 1, cancellationToken);
            streams.AddRange(page.Events.Select(record => record.Stream.ToString()));
        }

        return streams;
    }

    [LoggerMessage(1209, LogLevel.Information, "{Kind}, request {Id} of {User}, is served")]
    private static partial void LogServed(ILogger logger, RequestKind kind, long id, string user);

    [LoggerMessage(1210, LogLevel.Error, "{Kind}, request {Id}, failed")]
    private static partial void LogFailed(ILogger logger, RequestKind kind, long id, Exception exception);

    [LoggerMessage(1212, LogLevel.Warning, "Audit, request {Id}, found {Count} differences between the read model and its events, the first in projection {Projection}, {Rows}, stream {Stream} at position {Position}, field '{Field}'")]
    private static partial void LogDrift(ILogger logger, long id, long count, string projection, string rows, string stream, long position, string field);
}

/// <summary>The result of the last drift audit, as a metric.</summary>
internal sealed class DriftMetrics
{
    private long drifts = -1;

    public DriftMetrics() => EngineTelemetry.Meter.CreateObservableGauge(
        "grpccqrs.read_model.drifts", () => Interlocked.Read(ref drifts), "{difference}", "Differences that the last audit of the read model found; -1 before the first.");

    public void Audited(long count) => Interlocked.Exchange(ref drifts, count);
}
