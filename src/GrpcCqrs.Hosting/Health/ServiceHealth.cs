using System.ComponentModel.DataAnnotations;
using Grpc.AspNetCore.HealthChecks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Hosting.Health;

/// <summary>How often health is looked at. Configuration section <c>Health</c>.</summary>
public sealed class HealthOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Health";

    /// <summary>
    /// How often the health checks run for <c>grpc.health.v1</c>. Check answers with the result of the last run, and Watch reports a change
    /// after the run that found it. Default 5 seconds; from 1 second to 1 hour. The probes over HTTP run the checks at each request.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00", ParseLimitsInInvariantCulture = true, ConvertValueInInvariantCulture = true)]
    public TimeSpan WatchInterval { get; set; } = TimeSpan.FromSeconds(5);
}

/// <summary>Serves <c>grpc.health.v1</c> from the health checks that are registered in the host.</summary>
internal static class ServiceHealth
{
    /// <summary>
    /// Registers <c>grpc.health.v1</c>.
    /// <list type="number">
    /// <item>The empty name stands for the whole server, which is as healthy as all checks together.</item>
    /// <item>A mapped gRPC service depends on each check that is tagged with its full name, and on each check whose tags name no
    /// mapped service.</item>
    /// <item>Healthy and Degraded mean SERVING, Unhealthy means NOT_SERVING.</item>
    /// </list>
    /// </summary>
    public static IHealthChecksBuilder AddServiceHealth(this IServiceCollection services)
    {
        services.AddOptions<HealthOptions>().BindConfiguration(HealthOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<HealthCheckPublisherOptions>().Configure<IOptions<HealthOptions>>((publisher, health) =>
            publisher.Delay = publisher.Period = health.Value.WatchInterval);
        var checks = services.AddGrpcHealthChecks(options => options.UseHealthChecksCache = true);
        services.AddOptions<GrpcHealthChecksOptions>().Configure<MappedServices>(MapServices);
        services.AddHostedService<FirstHealthReport>();
        return checks;
    }

    private static void MapServices(GrpcHealthChecksOptions options, MappedServices mapped)
    {
        var names = mapped.FindNames();
        foreach (var name in names)
        {
            options.Services.Map(name, check => check.Tags.Contains(name, StringComparer.Ordinal) || !names.Overlaps(check.Tags));
        }
    }

    /// <summary>Publishes a first report while the host starts, so that no caller finds a service unknown that has only not been checked yet.</summary>
    private sealed class FirstHealthReport(HealthCheckService checks, IEnumerable<IHealthCheckPublisher> publishers) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            var report = await checks.CheckHealthAsync(cancellationToken);
            foreach (var publisher in publishers)
            {
                await publisher.PublishAsync(report, cancellationToken);
            }
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
