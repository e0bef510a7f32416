using GrpcCqrs.Storage;
using Microsoft.Extensions.Options;
using Quartz;

namespace GrpcCqrs.Hosting;

/// <summary>
/// Starts an audit of a sample of the read model. Only the process that projects does, so that several processes start no more
/// audits than one, and none gather while nobody projects.
/// </summary>
[DisallowConcurrentExecution]
internal sealed class AuditReadModelJob(ProjectionOperations operations, IOptions<JobOptions> options) : IJob
{
    /// <summary>The job's name, which is also the user of its audits.</summary>
    public const string Name = "audit-read-model";

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        if (operations.IsProjecting && operations.ByStreamNames.Count > 0)
        {
            await operations.StartAuditAsync([], options.Value.AuditSample, Name, cancellationToken);
        }
    }
}
