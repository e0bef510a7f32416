using System.Linq.Expressions;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Jobs;
using GrpcCqrs.Storage.Projections;
using Hangfire;
using Hangfire.AspNetCore;
using Hangfire.InMemory;
using Hangfire.States;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Job = Hangfire.Common.Job;

namespace GrpcCqrs.Jobs.Hangfire;

/// <summary>Runs a Hangfire server with the host, if this process is a projector.</summary>
internal sealed partial class HangfireHost(
    JobStorage storage,
    WriteDatabase database,
    RecurringJobManager recurring,
    JobOperations jobs,
    IServiceScopeFactory scopes,
    IOptions<JobScheduleOptions> options,
    IOptions<ProjectionOptions> projections,
    TimeProvider clock,
    ILoggerFactory loggers) : IHostedService
{
    private readonly ILogger logger = loggers.CreateLogger<HangfireHost>();
    private readonly CancellationTokenSource stopping = new();
    private BackgroundJobServer[] servers = [];
    private Task resuming = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        HangfireLog.Use(loggers);
        CancelWhenDeletedAttribute.Use(storage, jobs);
        if (projections.Value.Mode != ProjectionMode.Project)
        {
            return;
        }

        await HangfireStorage.InstallAsync(storage, database, cancellationToken);
        Schedule(nameof(JobScheduleOptions.DrainSchedule), "drain-outbox", options.Value.DrainSchedule, job => job.DrainOutboxAsync(CancellationToken.None));
        Schedule(nameof(JobScheduleOptions.ForgetSchedule), "forget-old-records", options.Value.ForgetSchedule, job => job.DeleteExpiredRecordsAsync(CancellationToken.None));
        Schedule(nameof(JobScheduleOptions.AuditSchedule), RecurringJobs.AuditSchedule, options.Value.AuditSchedule, job => job.AuditAsync(CancellationToken.None));
        Schedule(nameof(JobScheduleOptions.VerifySchedule), RecurringJobs.VerifySchedule, options.Value.VerifySchedule, job => job.VerifyAsync(CancellationToken.None));
        if (options.Value.Workers == 0)
        {
            return;
        }

        servers = [NewServer(EnqueuedState.DefaultQueue, options.Value.Workers), NewServer(RecurringJobs.QueueName, 1)];
        await jobs.EnqueueUnfinishedAsync(cancellationToken);
        resuming = ResumeAsync();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        // A host may be stopped twice.
        var running = Interlocked.Exchange(ref servers, []);
        await stopping.CancelAsync();
        Array.ForEach(running, server => server.SendStop());
        try
        {
            await resuming.WaitAsync(cancellationToken);
            await Task.WhenAll(running.Select(server => server.WaitForShutdownAsync(cancellationToken)));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The host does not wait any longer. Jobs that still run are released, to be resumed.
        }
        finally
        {
            Array.ForEach(running, server => server.Dispose());
        }
    }

    private BackgroundJobServer NewServer(string queue, int workers) => new(
        new BackgroundJobServerOptions
        {
            Queues = [queue],
            WorkerCount = workers,
            Activator = new AspNetCoreJobActivator(scopes),
            SchedulePollingInterval = storage is InMemoryStorage ? TimeSpan.FromSeconds(1) : TimeSpan.FromSeconds(15),
            CancellationCheckInterval = TimeSpan.FromSeconds(1),
        },
        storage);

    /// <summary>
    /// Enqueues jobs whose process has died again. This is not a recurring job: if a process is killed while it holds
    /// one of Hangfire's locks, all recurring jobs wait until the lock expires.
    /// </summary>
    private async Task ResumeAsync()
    {
        using var timer = new PeriodicTimer(options.Value.ResumeInterval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token))
            {
                try
                {
                    await jobs.EnqueueStalledAsync(stopping.Token);
                }
                catch (Exception exception) when (!stopping.IsCancellationRequested)
                {
                    LogNotResumed(logger, exception);
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The host is stopping.
        }
    }

    [LoggerMessage(1601, LogLevel.Warning, "Jobs whose process has died could not be looked for; this is tried again")]
    private static partial void LogNotResumed(ILogger logger, Exception exception);

    /// <exception cref="InvalidOperationException">The schedule is not a cron expression.</exception>
    private void Schedule(string setting, string name, string cron, Expression<Func<RecurringJobs, Task>> call)
    {
        if (string.IsNullOrWhiteSpace(cron))
        {
            recurring.RemoveIfExists(name);
            return;
        }

        try
        {
            recurring.AddOrUpdate(name, Job.FromExpression(call), cron, new RecurringJobOptions { TimeZone = TimeZoneInfo.Utc });
        }
        catch (ArgumentException exception)
        {
            throw new InvalidOperationException($"{JobScheduleOptions.Section}:{setting} is '{cron}'; it must be a cron expression such as '0 * * * *', or empty for never.", exception);
        }
    }
}
