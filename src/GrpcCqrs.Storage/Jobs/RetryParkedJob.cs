using System.Globalization;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Projections;

namespace GrpcCqrs.Storage.Jobs;

/// <summary>Retries the parked events of projections.</summary>
internal sealed class RetryParkedJob(ProjectionOperations operations) : JobHandler
{
    public override string Kind => JobKinds.RetryParked;

    public override string Describe(JobArguments arguments) =>
        $"Retry parked events of {string.Join(", ", arguments.Projections)}{(arguments.Stream is { } stream ? $", stream {stream}" : "")}";

    public override JobArguments Prepare(JobArguments arguments) => arguments.Stream is null || StreamId.TryParse(arguments.Stream, out _)
        ? arguments with { Projections = operations.NamesOrAll(arguments.Projections) }
        : throw RejectedException.Invalid(new FieldViolation("stream", StreamId.Form));

    public override async Task<string> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        var (events, parked) = (0L, 0);
        for (var index = 0; index < job.Arguments.Projections.Count; index++)
        {
            var name = job.Arguments.Projections[index];
            await job.ReportAsync(index, job.Arguments.Projections.Count, name, cancellationToken);
            var asked = await operations.AskForJobAsync(
                RequestKind.Retry, new RequestArguments { Projections = [name], Stream = job.Arguments.Stream }, job.Origin, cancellationToken);
            var done = await operations.WaitAsync(asked, cancellationToken);
            (events, parked) = (events + done.Events, parked + done.StillParked);
        }

        var outcome = string.Create(CultureInfo.InvariantCulture, $"{events} events applied; {parked} streams are still parked.");
        return parked == 0 ? outcome : throw new JobFailedException(outcome);
    }
}
