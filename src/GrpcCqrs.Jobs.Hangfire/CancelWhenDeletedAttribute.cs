using System.Runtime.CompilerServices;
using GrpcCqrs.Storage.Jobs;
using Hangfire;
using Hangfire.Common;
using Hangfire.States;
using Hangfire.Storage;

namespace GrpcCqrs.Jobs.Hangfire;

/// <summary>
/// Cancels a job's record when an operator deletes the job on Hangfire's dashboard, so that it is not resumed.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class CancelWhenDeletedAttribute : JobFilterAttribute, IApplyStateFilter
{
    /// <summary>Attributes cannot inject services, so they are looked up by the job's storage.</summary>
    private static readonly ConditionalWeakTable<JobStorage, JobOperations> Operations = [];

    public static void Use(JobStorage storage, JobOperations operations) => Operations.AddOrUpdate(storage, operations);

    public void OnStateApplied(ApplyStateContext context, IWriteOnlyTransaction transaction)
    {
        if (context.NewState is DeletedState && context.BackgroundJob.Job.Args is [Guid id, ..] && Operations.TryGetValue(context.Storage, out var operations))
        {
            // Hangfire's filters are synchronous.
            operations.CancelAsync(id, "an operator on Hangfire's dashboard", CancellationToken.None).GetAwaiter().GetResult();
        }
    }

    public void OnStateUnapplied(ApplyStateContext context, IWriteOnlyTransaction transaction)
    {
    }
}
