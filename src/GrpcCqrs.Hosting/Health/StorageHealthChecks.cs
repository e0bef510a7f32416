using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Hosting.Health;

/// <summary>Whether the write database answers.</summary>
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

/// <summary>
/// Whether the read model keeps up, measured from the store's own head: a dead projector cannot report itself well.
/// </summary>
internal sealed class ReadModelHealthCheck(
    IEventStore store, IProjectionMonitor projections, IOptions<ReadModelHealthOptions> options, TimeProvider clock) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var head = await store.ReadHeadAsync(cancellationToken);
            var now = clock.GetUtcNow();
            var all = projections.Current;
            var data = all.ToDictionary(p => p.Name, p => (object)(head - p.Position), StringComparer.Ordinal);
            if (all.FirstOrDefault(p => p.Position > head) is { } beyond)
            {
                return HealthCheckResult.Unhealthy(
                    $"{beyond.Name} has seen event {beyond.Position}, but the newest is {head}: the write database was replaced; restart the service.", data: data);
            }

            if (all.Count == 0)
            {
                return HealthCheckResult.Degraded("The projections have not started yet.", data: data);
            }

            string[] stalled = [.. all
                .Where(p => p.Position < head && now - p.ProgressTime > options.Value.MaxStall)
                .Select(p => $"{p.Name} stands at {p.Position} of {head} since {p.ProgressTime:O}")];
            if (stalled.Length > 0)
            {
                return HealthCheckResult.Unhealthy(string.Join("; ", stalled), data: data);
            }

            return all.Any(p => p.FailedAttempts > 0)
                ? HealthCheckResult.Degraded("A projection fails on an event and is tried again.", data: data)
                : HealthCheckResult.Healthy($"At most {all.Max(p => head - p.Position)} events behind.", data);
        }
        catch (DbException exception)
        {
            return HealthCheckResult.Unhealthy("The write database does not answer.", exception);
        }
    }
}
