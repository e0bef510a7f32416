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
    /// Adds Hangfire with its tables in the write database (on SQLite, which Hangfire has no safe storage for, in memory), the recurring jobs, and
    /// a server that runs jobs where this process projects. Options come from the section <c>Jobs</c>. Call it after the storage was added.
    /// </summary>
    /// <remarks>
    /// Hangfire is trigger and window; the job records in the write database are the truth. Jobs that have not ended are enqueued again when a
    /// process starts, and when their process has died.
    /// </remarks>
    public static IServiceCollection AddHangfireJobs(this IServiceCollection services)
    {
        services.AddOptions<JobScheduleOptions>().BindConfiguration(JobScheduleOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddAntiforgery();

        // Not by AddHangfire, whose storage is one for all hosts of a process.
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
    /// Maps Hangfire's dashboard, with the page where operators start jobs and watch them. Only callers on this machine are let in.
    /// </summary>
    /// <param name="endpoints">Where to map it.</param>
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
