using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace GrpcCqrs.Hosting.Health;

/// <summary>Adds the gRPC health service to a host.</summary>
public static class GrpcHealthRegistration
{
    /// <summary>Registers what the health service needs. <c>AddGrpc</c> is the caller's.</summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="configure">Sets options; null leaves the defaults. They are validated when the host starts.</param>
    /// <returns>
    /// Where to add checks. A check that is tagged with the full name of a gRPC service, such as
    /// <c>blog.v1.PostQueryService</c>, decides about that service and the whole server only; any other check decides about all.
    /// </returns>
    public static IHealthChecksBuilder AddGrpcHealth(this IServiceCollection services, Action<HealthOptions>? configure = null)
    {
        var options = services.AddOptions<HealthOptions>().BindConfiguration(HealthOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<HealthReports>();
        services.TryAddSingleton<ServingStatuses>();
        services.TryAddSingleton<HealthService>();
        return services.AddHealthChecks();
    }

    /// <summary>Maps <c>grpc.health.v1</c>.</summary>
    /// <returns>Its conventions, to allow anonymous callers for instance.</returns>
    public static IEndpointConventionBuilder MapGrpcHealth(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGrpcService<HealthService>();
}
