using System.Globalization;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage.Jobs;

/// <summary>Starts an operation over streams in the process that projects, and follows it to its end.</summary>
internal abstract class StreamJob(ProjectionOperations operations, TimeProvider clock) : JobHandler
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    protected ProjectionOperations Operations => operations;

    public override async Task<string> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        // Interrupted between the two, the operation is asked for again; to do it twice changes nothing.
        if (job.ResumeFrom is null)
        {
            var started = await StartAsync(job, cancellationToken);
            await job.SaveAsync(started.ToString(CultureInfo.InvariantCulture), cancellationToken);
        }

        var id = long.Parse(job.ResumeFrom!, CultureInfo.InvariantCulture);
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

    public override Task<string> CancelAsync(JobContext job, CancellationToken cancellationToken) => Task.FromResult(
        job.ResumeFrom is { } id ? $"Cancelled; operation {id} of the process that projects is no longer followed and ends by itself." : "Cancelled.");

    /// <summary>Asks for the operation.</summary>
    /// <returns>Its number.</returns>
    protected abstract Task<long> StartAsync(JobContext job, CancellationToken cancellationToken);

    /// <exception cref="JobFailedException">It has found a fault.</exception>
    protected abstract string Outcome(Operation operation);
}

/// <summary>Folds streams anew within the live tables.</summary>
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

        return arguments with { Projections = Operations.ByStreamOrAll(arguments.Projections) };
    }

    protected override Task<long> StartAsync(JobContext job, CancellationToken cancellationToken) => Operations.StartReplayAsync(
        job.Arguments.Projections, StreamId.Parse(job.Arguments.Stream!), job.Arguments.LastStream is { } last ? StreamId.Parse(last) : null, job.Job.User, cancellationToken);

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

    protected override Task<long> StartAsync(JobContext job, CancellationToken cancellationToken) =>
        Operations.StartAuditAsync(job.Arguments.Projections, job.Arguments.Sample, job.Job.User, cancellationToken);

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
