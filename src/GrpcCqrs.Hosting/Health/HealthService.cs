using Grpc.Core;
using GrpcCqrs.Protocol.Health.V1;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using HealthBase = GrpcCqrs.Protocol.Health.V1.Health.HealthBase;
using ServingStatus = GrpcCqrs.Protocol.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace GrpcCqrs.Hosting.Health;

/// <summary>Serves <c>grpc.health.v1</c> from the health checks that are registered in the host.</summary>
internal sealed class HealthService(
    ServingStatuses statuses, IHostApplicationLifetime lifetime, TimeProvider time, IOptions<HealthOptions> options) : HealthBase
{
    /// <inheritdoc />
    public override async Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context)
    {
        var status = await statuses.GetAsync(request.Service, context.CancellationToken);
        return status == ServingStatus.ServiceUnknown
            ? throw new RpcException(new Status(StatusCode.NotFound, $"Unknown service '{request.Service}'."))
            : new HealthCheckResponse { Status = status };
    }

    /// <inheritdoc />
    public override async Task Watch(
        HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        using var timer = new PeriodicTimer(options.Value.WatchInterval, time);
        using var wake = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, lifetime.ApplicationStopping);
        ServingStatus? sent = null;
        while (true)
        {
            // Read before the status, so that the last status sent is the one of a stopping server.
            var isLast = lifetime.ApplicationStopping.IsCancellationRequested;
            var status = await statuses.GetAsync(request.Service, context.CancellationToken);
            if (status != sent)
            {
                await responseStream.WriteAsync(new HealthCheckResponse { Status = status }, context.CancellationToken);
                sent = status;
            }

            if (isLast)
            {
                return;
            }

            await NextRound(timer, wake.Token);
            context.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Ends with the timer's tick or, early, with the token: both are reasons to look again.</summary>
    private static async Task NextRound(PeriodicTimer timer, CancellationToken wake)
    {
        try
        {
            await timer.WaitForNextTickAsync(wake);
        }
        catch (OperationCanceledException)
        {
            // The caller finds out whether the server stops or the client is gone.
        }
    }
}
