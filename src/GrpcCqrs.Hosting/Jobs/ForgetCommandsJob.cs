using GrpcCqrs.Storage;
using Quartz;

namespace GrpcCqrs.Hosting;

/// <summary>Forgets command ids that are older than the retention.</summary>
[DisallowConcurrentExecution]
internal sealed class ForgetCommandsJob(CommandRetention retention) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) =>
        await retention.ForgetAsync(cancellationToken);
}
