using System.ComponentModel.DataAnnotations;
using Grpc.AspNetCore.HealthChecks;
using Grpc.Health.V1;
using Grpc.HealthCheck;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Hosting.Health;

/// <summary>How often the health checks run. Configuration section <c>Health</c>.</summary>
public sealed class HealthOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Health";

    /// <summary>
    /// How often the health checks run for <c>grpc.health.v1</c>. Check returns the result of the last run, and Watch
    /// reports a change after the run that found it. Default 5 seconds; from 1 second to 1 hour. The HTTP probes run
    /// the checks on each request.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00", ParseLimitsInInvariantCulture = true, ConvertValueInInvariantCulture = true)]
    public TimeSpan WatchInterval { get; set; } = TimeSpan.FromSeconds(5);
}

/// <summary>Serves <c>grpc.health.v1</c> from the host's registered health checks.</summary>
internal static class ServiceHealth
{
    /// <summary>
    /// The time limit of a check without its own time-out, after which it counts as failed: well under the publisher's
    /// 30 s.
    /// </summary>
    private static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Registers <c>grpc.health.v1</c>.
    /// <list type="number">
    /// <item>The empty name is the whole server, which is as healthy as all checks together.</item>
    /// <item>A mapped gRPC service depends on each check that is tagged with its full name, and on each check whose
    /// tags name no mapped service.</item>
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
        services.PostConfigure<HealthCheckServiceOptions>(options =>
        {
            // A check that never ends would leave the last report in place, which may be healthy.
            foreach (var check in options.Registrations.Where(check => check.Timeout == Timeout.InfiniteTimeSpan))
            {
                check.Timeout = CheckTimeout;
            }
        });
        services.AddSingleton<IHealthCheckPublisher, HealthLog>();
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

    /// <summary>
    /// Runs the checks before the host counts as started. Until the first report every service is known and
    /// NOT_SERVING.
    /// </summary>
    private sealed class FirstHealthReport(
        HealthCheckService checks, IEnumerable<IHealthCheckPublisher> publishers, MappedServices mapped, HealthServiceImpl health) : IHostedLifecycleService
    {
        public Task StartingAsync(CancellationToken cancellationToken)
        {
            foreach (var name in mapped.FindNames().Append(""))
            {
                health.SetStatus(name, HealthCheckResponse.Types.ServingStatus.NotServing);
            }

            return Task.CompletedTask;
        }

        public async Task StartedAsync(CancellationToken cancellationToken)
        {
            var report = await checks.CheckHealthAsync(cancellationToken);
            foreach (var publisher in publishers)
            {
                await publisher.PublishAsync(report, cancellationToken);
            }
        }

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>Logs changes in health. Replaces the framework's log, which repeats problems at every run.</summary>
internal sealed partial class HealthLog(ILogger<HealthLog> logger) : IHealthCheckPublisher
{
    private string last = "";

    public Task PublishAsync(HealthReport report, CancellationToken cancellationToken)
    {
        var wrong = string.Join(" ", report.Entries
            .Where(entry => entry.Value.Status != HealthStatus.Healthy)
            .Select(entry => $"{entry.Key} is {entry.Value.Status}: {entry.Value.Description}"));
        if (Interlocked.Exchange(ref last, wrong) != wrong)
        {
            if (wrong.Length == 0)
            {
                LogHealthy(logger);
            }
            else
            {
                LogUnwell(logger, wrong);
            }
        }

        return Task.CompletedTask;
    }

    [LoggerMessage(2101, LogLevel.Information, "All health checks pass")]
    private static partial void LogHealthy(ILogger logger);

    [LoggerMessage(2102, LogLevel.Warning, "{Checks}")]
    private static partial void LogUnwell(ILogger logger, string checks);
}
