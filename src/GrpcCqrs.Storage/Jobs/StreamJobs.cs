using System.Globalization;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Projections;

namespace GrpcCqrs.Storage.Jobs;

/// <summary>Starts an operation over streams in the projector, and follows it to its end.</summary>
internal abstract class StreamJob(ProjectionOperations operations, TimeProvider clock) : JobHandler
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    protected ProjectionOperations Operations => operations;

    public override async Task<string> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        var id = await operations.AskForJobAsync(Request, ToRequest(job.Arguments), job.Origin, cancellationToken);
        while (await operations.FindAsync(id, cancellationToken) is { } operation)
        {
            if (operation.EndTime is not null)
            {
                return operation.HasFailed ? throw new JobFailedException(operation.Message ?? "The operation failed.") : Outcome(operation);
            }

            await job.ReportAsync(
                operation.Streams, job.Arguments.Sample, string.Create(CultureInfo.InvariantCulture, $"{operation.Streams} streams, {operation.DriftCount} differences"), cancellationToken);
            await Task.Delay(LookInterval, clock, cancellationToken);
        }

        throw new JobFailedException($"Operation {id} is gone: the read database was replaced. Start it again.");
    }

    public override Task<string> CancelAsync(JobContext job, CancellationToken cancellationToken) =>
        Task.FromResult("No longer followed; the process that projects ends what it has begun.");

    protected abstract RequestKind Request { get; }

    protected abstract RequestArguments ToRequest(JobArguments arguments);

    /// <exception cref="JobFailedException">The operation found a fault.</exception>
    protected abstract string Outcome(Operation operation);
}

/// <summary>Refolds streams within the live tables.</summary>
internal sealed class ReplayJob(ProjectionOperations operations, TimeProvider clock) : StreamJob(operations, clock)
{
    public override string Kind => JobKinds.Replay;

    public override string Describe(JobArguments arguments) =>
        $"Replay {arguments.Stream}{(arguments.LastStream is { } last ? $" to {last}" : "")} in {string.Join(", ", arguments.Projections)}";

    public override JobArguments Prepare(JobArguments arguments)
    {
        if (!StreamId.TryParse(arguments.Stream, out _) || (arguments.LastStream is { } last && !StreamId.TryParse(last, out _)))
        {
            throw RejectedException.Invalid(new FieldViolation("stream", StreamId.Form));
        }

        return arguments.LastStream is { } end && string.CompareOrdinal(end, arguments.Stream) < 0
            ? throw RejectedException.Invalid(new FieldViolation("last_stream", "Must not come before stream."))
            : arguments with { Projections = Operations.ByStreamOrAll(arguments.Projections) };
    }

    protected override RequestKind Request => RequestKind.Replay;

    protected override RequestArguments ToRequest(JobArguments arguments) =>
        new() { Projections = arguments.Projections, Stream = arguments.Stream, LastStream = arguments.LastStream };

    protected override string Outcome(Operation operation) => string.Create(CultureInfo.InvariantCulture, $"{operation.Streams} streams folded anew.");
}

/// <summary>Compares live tables with a fold of the events.</summary>
internal sealed class AuditJob(ProjectionOperations operations, TimeProvider clock) : StreamJob(operations, clock)
{
    public override string Kind => JobKinds.Audit;

    public override string Describe(JobArguments arguments) => string.Create(
        CultureInfo.InvariantCulture, $"Audit {(arguments.Sample > 0 ? $"{arguments.Sample} streams" : "all streams")} of {string.Join(", ", arguments.Projections)}");

    public override JobArguments Prepare(JobArguments arguments) => arguments.Sample < 0
        ? throw RejectedException.Invalid(new FieldViolation("sample", "Must be 0 for all streams, or more."))
        : arguments with { Projections = Operations.ByStreamOrAll(arguments.Projections) };

    protected override RequestKind Request => RequestKind.Audit;

    protected override RequestArguments ToRequest(JobArguments arguments) => new() { Projections = arguments.Projections, Sample = arguments.Sample };

    protected override string Outcome(Operation operation)
    {
        if (operation.DriftCount == 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"0 differences in {operation.Streams} streams.");
        }

        var first = operation.Drifts[0];
        throw new JobFailedException(string.Create(
            CultureInfo.InvariantCulture,
            $"{operation.DriftCount} differences in {operation.Streams} streams; the first in {first.Projection}, stream {first.Stream} at position {first.Position}, {first.Rows} {first.Field}. Replay the stream or rebuild the projection."));
    }
}
