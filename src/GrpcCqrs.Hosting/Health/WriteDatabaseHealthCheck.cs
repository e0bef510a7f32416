using System.Data.Common;
using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace GrpcCqrs.Hosting.Health;

/// <summary>Checks that the write database answers.</summary>
internal sealed class WriteDatabaseHealthCheck(IEventStore store) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var head = await store.ReadHeadAsync(cancellationToken);
            return HealthCheckResult.Healthy($"The newest event has position {head}.");
        }
        catch (DbException exception)
        {
            return HealthCheckResult.Unhealthy("The write database does not answer.", exception);
        }
    }
}
