using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace GrpcCqrs.Hosting.Tests.Health;

/// <summary>A health check with a settable result that counts its runs.</summary>
internal sealed class SwitchableCheck(HealthStatus status = HealthStatus.Healthy) : IHealthCheck
{
    private int _runs;

    public HealthStatus Status { get; set; } = status;

    public int Runs => Volatile.Read(ref _runs);

    /// <summary>Held down by a test, it keeps every run waiting.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _runs);
        await Gate.WaitAsync(cancellationToken);
        return new HealthCheckResult(Status);
    }

    public async Task WaitForRunsAsync(int total, CancellationToken cancellationToken)
    {
        while (Runs < total)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), cancellationToken);
        }
    }
}
