using GrpcCqrs.Storage;
using Quartz;

namespace GrpcCqrs.Hosting;

/// <summary>Wakes the outbox drain: the safety net under the wake-up that every commit gives.</summary>
[DisallowConcurrentExecution]
internal sealed class DrainOutboxJob(CommitSignal signal) : IJob
{
    public ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        signal.Wake();
        return ValueTask.CompletedTask;
    }
}
