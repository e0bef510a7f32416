using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using ServingStatus = GrpcCqrs.Protocol.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace GrpcCqrs.Hosting.Health;

/// <summary>
/// Derives the status of a service from the health checks.
/// <list type="number">
/// <item>The empty name stands for the whole server, which is as healthy as all checks together.</item>
/// <item>A mapped gRPC service depends on each check that is tagged with its full name, and on each check whose tags name no
/// mapped service: a check is about everything until it says otherwise.</item>
/// <item>Healthy and Degraded mean SERVING, Unhealthy means NOT_SERVING. Without any check the answer is SERVING.</item>
/// <item>A name that no mapped service bears is SERVICE_UNKNOWN.</item>
/// <item>Once the server is stopping all known names are NOT_SERVING, whatever the checks say.</item>
/// </list>
/// </summary>
internal sealed class ServingStatuses(HealthReports reports, EndpointDataSource endpoints, IHostApplicationLifetime lifetime)
{
    // The endpoints are complete by the first call, which is when the names are collected.
    private readonly Lazy<HashSet<string>> _services = new(() => endpoints.Endpoints
        .Select(endpoint => endpoint.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method.ServiceName)
        .OfType<string>()
        .ToHashSet(StringComparer.Ordinal));

    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<ServingStatus> GetAsync(string service, CancellationToken cancellationToken)
    {
        if (service.Length > 0 && !_services.Value.Contains(service))
        {
            return ServingStatus.ServiceUnknown;
        }

        if (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return ServingStatus.NotServing;
        }

        try
        {
            var report = await reports.GetAsync(cancellationToken);
            var isUnhealthy = report.Entries.Values.Any(entry =>
                entry.Status == HealthStatus.Unhealthy && (service.Length == 0 || Concerns(entry, service)));
            return isUnhealthy ? ServingStatus.NotServing : ServingStatus.Serving;
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested
            && !cancellationToken.IsCancellationRequested)
        {
            return ServingStatus.NotServing;
        }
    }

    private bool Concerns(HealthReportEntry entry, string service) =>
        entry.Tags.Contains(service, StringComparer.Ordinal) || !_services.Value.Overlaps(entry.Tags);
}
