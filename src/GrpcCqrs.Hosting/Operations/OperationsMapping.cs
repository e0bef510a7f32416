using Google.Protobuf.WellKnownTypes;
using GrpcCqrs.Operations.V1;
using GrpcCqrs.Storage.Projections;
using Drift = GrpcCqrs.Operations.V1.Drift;
using Operation = GrpcCqrs.Operations.V1.Operation;
using ParkedEvent = GrpcCqrs.Operations.V1.ParkedEvent;
using SkippedEvent = GrpcCqrs.Operations.V1.SkippedEvent;

namespace GrpcCqrs.Hosting.Operations;

/// <summary>Maps the read side's state to protos.</summary>
internal static class OperationsMapping
{
    /// <summary>
    /// The time until a table generation reaches the end of the log; null if it is not being filled or this is not
    /// known.
    /// </summary>
    public static TimeSpan? TimeLeft(ProjectionStatus status, long head)
    {
        if (status.State != GenerationState.Building || status.EventsPerSecond <= 0)
        {
            return null;
        }

        var seconds = Math.Max(0, head - status.Position) / status.EventsPerSecond;
        return seconds < TimeSpan.MaxValue.TotalSeconds / 2 ? TimeSpan.FromSeconds(seconds) : null;
    }

    /// <summary>The table generations by projection, the live one first.</summary>
    public static IEnumerable<IGrouping<string, ProjectionStatus>> ByProjection(IEnumerable<ProjectionStatus> sets) => sets
        .OrderBy(set => set.State == GenerationState.Live ? 0 : 1)
        .GroupBy(set => set.Name, StringComparer.Ordinal)
        .OrderBy(group => group.Key, StringComparer.Ordinal);

    public static ListProjectionsResponse ToProto(ProjectionOverview overview) => new()
    {
        HeadPosition = overview.Head,
        Projector = overview.Holder,
        AnsweredByProjector = overview.IsThisProcess,
        Projections =
        {
            ByProjection(overview.Generations).Select(group => new Projection
            {
                Name = group.Key,
                Generations = { group.Select(set => ToProto(set, overview.Head)) },
            }),
        },
    };

    public static ParkedEvent ToProto(Storage.Readers.ParkedEvent parked) => new()
    {
        Reader = parked.Reader,
        Position = parked.Position,
        Stream = parked.Stream,
        EventType = parked.EventType,
        Error = parked.Error ?? "",
        Attempts = parked.Attempts,
        Time = Timestamp.FromDateTimeOffset(parked.Time),
        Retrying = parked.IsRetrying,
    };

    public static SkippedEvent ToProto(Storage.Readers.SkippedEvent skipped) => new()
    {
        Reader = skipped.Reader,
        Version = skipped.Version,
        Position = skipped.Position,
        Stream = skipped.Stream,
        EventType = skipped.EventType,
        Error = skipped.Error ?? "",
        User = skipped.User,
        Time = Timestamp.FromDateTimeOffset(skipped.Time),
    };

    public static Operation ToProto(Storage.Projections.Operation operation) => new()
    {
        OperationId = operation.Id,
        Kind = System.Enum.TryParse<OperationKind>(operation.Kind, out var kind) ? kind : OperationKind.Unspecified,
        Projections = { operation.Projections },
        User = operation.User,
        CreateTime = Timestamp.FromDateTimeOffset(operation.Time),
        EndTime = operation.EndTime is { } end ? Timestamp.FromDateTimeOffset(end) : null,
        State = operation.EndTime is null ? OperationState.Running : operation.HasFailed ? OperationState.Failed : OperationState.Succeeded,
        ErrorReason = operation.Reason ?? "",
        Error = operation.Message ?? "",
        Streams = operation.Streams,
        AppliedEvents = operation.Events,
        ParkedStreams = operation.StillParked,
        DriftCount = operation.DriftCount,
        Drifts = { operation.Drifts.Select(ToProto) },
    };

    private static TableGeneration ToProto(ProjectionStatus set, long head) => new()
    {
        Generation = set.Generation,
        State = (TableGenerationState)set.State,
        Version = set.Version,
        Position = set.Position,
        LagEvents = Math.Max(0, head - set.Position),
        TargetPosition = set.Target,
        EventsPerSecond = set.EventsPerSecond,
        TimeLeft = TimeLeft(set, head) is { } left ? Duration.FromTimeSpan(left) : null,
        ParkedEvents = set.ParkedEvents,
        FailedAttempts = set.FailedAttempts,
        LastError = set.LastError ?? "",
        Note = set.Note ?? "",
        ProgressTime = Timestamp.FromDateTimeOffset(set.ProgressTime),
    };

    private static Drift ToProto(Storage.Projections.Drift found)
    {
        var drift = new Drift
        {
            Projection = found.Projection, Rows = found.Rows, Stream = found.Stream, Position = found.Position, Field = found.Field,
        };
        if (found.Found is not null)
        {
            drift.Found = found.Found;
        }

        if (found.Expected is not null)
        {
            drift.Expected = found.Expected;
        }

        return drift;
    }
}
