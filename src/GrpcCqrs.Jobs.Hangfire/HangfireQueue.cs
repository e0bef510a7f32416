using GrpcCqrs.Storage.Jobs;
using Hangfire;
using Hangfire.States;
using Job = Hangfire.Common.Job;

namespace GrpcCqrs.Jobs.Hangfire;

/// <summary>Puts jobs on Hangfire's queue.</summary>
internal sealed class HangfireQueue(JobStorage storage) : IJobQueue
{
    private readonly BackgroundJobClient client = new(storage);

    public void Enqueue(Guid jobId) =>
        client.Create(Job.FromExpression<JobEntry>(entry => entry.RunAsync(jobId, CancellationToken.None)), new EnqueuedState());
}
