using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Hosting.Health;

/// <summary>Runs all health checks, at most one run at a time, and shares each report among the callers that it is fresh for.</summary>
internal sealed class HealthReports(
    HealthCheckService checks, IHostApplicationLifetime lifetime, TimeProvider time, IOptions<HealthOptions> options)
{
    private readonly Lock _lock = new();
    private Task<HealthReport>? _run;
    private long _runStartedAt;

    /// <summary>The report of a run that started at most <see cref="HealthOptions.ReportMaxAge"/> ago, or is still in progress.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled, or the server is stopping.</exception>
    public Task<HealthReport> GetAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_run is null or { IsFaulted: true } or { IsCanceled: true } || IsOutdated(_run))
            {
                _runStartedAt = time.GetTimestamp();
                // A run serves several callers, so none of them may cancel it; the pool keeps slow checks out of the lock.
                _run = Task.Run(() => checks.CheckHealthAsync(lifetime.ApplicationStopping), CancellationToken.None);
            }

            return _run.WaitAsync(cancellationToken);
        }
    }

    private bool IsOutdated(Task run) =>
        run.IsCompleted && time.GetElapsedTime(_runStartedAt) >= options.Value.ReportMaxAge;
}
