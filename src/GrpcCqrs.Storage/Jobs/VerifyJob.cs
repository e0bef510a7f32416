using System.Globalization;
using GrpcCqrs.Storage.Operations;

namespace GrpcCqrs.Storage.Jobs;

/// <summary>
/// Verifies the event log's hash chain. After an interruption it restarts at the first event: only a complete
/// verification counts.
/// </summary>
internal sealed class VerifyJob(LogVerifier verifier) : JobHandler
{
    public override string Kind => JobKinds.Verify;

    public override string Describe(JobArguments arguments) => "Verify the event log's hash chain";

    public override JobArguments Prepare(JobArguments arguments) => new();

    public override async Task<string> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        var found = await verifier.VerifyAsync(
            (position, head) => job.ReportAsync(position, head, string.Create(CultureInfo.InvariantCulture, $"event {position} of {head}"), cancellationToken), cancellationToken);
        return found.IsIntact
            ? string.Create(CultureInfo.InvariantCulture, $"Intact: {found.Verified} events.")
            : throw new JobFailedException(string.Create(CultureInfo.InvariantCulture, $"Broken at position {found.BrokenAt}: {found.Problem}"));
    }
}
