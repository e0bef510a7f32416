using GrpcCqrs.Jobs.Hangfire.Pages;
using GrpcCqrs.Storage.Jobs;
using Hangfire;
using Hangfire.Dashboard;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Jobs.Hangfire;

/// <summary>Runs the engine's jobs with Hangfire.</summary>
public static class HangfireJobs
{
    /// <summary>
    /// Adds Hangfire with its tables in the write database (in memory for SQLite, for which Hangfire has no safe
    /// storage), the recurring jobs, and a server that runs jobs if this process is a projector. Options come from the
    /// section <c>Jobs</c>. Call it after the storage was added.
    /// </summary>
    /// <remarks>
    /// Hangfire only triggers and displays jobs; the job records in the write database are authoritative. Unfinished
    /// jobs are enqueued again when a process starts, and when their process has died.
    /// </remarks>
    public static IServiceCollection AddHangfireJobs(this IServiceCollection services)
    {
        services.AddOptions<JobScheduleOptions>().BindConfiguration(JobScheduleOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddAntiforgery();

        // Not AddHangfire: its storage is shared by all hosts of a process.
        services.AddSingleton(provider => HangfireStorage.Create(provider));
        services.AddSingleton<IGlobalConfiguration>(GlobalConfiguration.Configuration);
        services.AddSingleton(DashboardRoutes.Routes);
        services.AddSingleton(provider => new RecurringJobManager(provider.GetRequiredService<JobStorage>()));
        services.AddSingleton<IJobQueue, HangfireQueue>();
        services.AddSingleton<JobEntry>();
        services.AddSingleton<RecurringJobs>();
        services.AddHostedService<HangfireHost>();
        return services;
    }

    /// <summary>
    /// Maps Hangfire's dashboard, with a page where operators start and watch jobs. Only callers on this machine have
    /// access.
    /// </summary>
    /// <param name="endpoints">The endpoints to map it to.</param>
    /// <param name="path">The path. Default <c>/hangfire</c>.</param>
    public static IEndpointRouteBuilder MapHangfireJobs(this IEndpointRouteBuilder endpoints, string path = "/hangfire")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var services = endpoints.ServiceProvider;
        if (!services.GetRequiredService<IOptions<JobScheduleOptions>>().Value.Dashboard)
        {
            return endpoints;
        }

        JobPages.Register();
        endpoints.MapHangfireDashboard(
            path,
            new DashboardOptions
            {
                Authorization = [new LocalOnly()],
                DashboardTitle = "Jobs",
                DisplayStorageConnectionString = false,
                DisplayNameFunc = JobPages.NameOf,
                AppPath = null,
            },
            services.GetRequiredService<JobStorage>());
        return endpoints;
    }
}
