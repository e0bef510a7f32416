using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.EventStore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Hosting;

/// <summary>Admission control at the endpoint: limits the number of concurrent command calls.</summary>
public static class CommandAdmissionEndpoints
{
    /// <summary>
    /// Rejects calls to a mapped gRPC service with <see cref="EngineErrors.WriteQueueFull"/> while
    /// <see cref="EndpointOptions.MaxCommands"/> of them are in progress, counted over all such services of the
    /// process.
    /// </summary>
    /// <exception cref="ArgumentNullException">No service was given.</exception>
    public static TBuilder RefuseWhenOverloaded<TBuilder>(this TBuilder service)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(service);
        service.Add(static endpoint =>
        {
            if (endpoint.RequestDelegate is { } next)
            {
                endpoint.RequestDelegate = endpoint.ApplicationServices.GetRequiredService<CommandAdmission>().Guard(next);
            }
        });
        return service;
    }
}

/// <summary>
/// Counts the commands in progress and rejects further ones before any work is done: with a prepared response, no
/// exception and no mapping. Excess load thus takes little capacity from accepted commands, and the backlog is bounded
/// from the network on, even if the bottleneck is the CPU and not the database.
/// </summary>
internal sealed class CommandAdmission
{
    private readonly int most;
    private readonly (string Status, string Message, string Details) refusal;
    private int underWay;

    public CommandAdmission(IOptions<EndpointOptions> endpoints, IOptions<AppendOptions> appends, IOptions<ErrorOptions> errors)
    {
        most = endpoints.Value.MaxCommands;
        refusal = ErrorStatus.ToHeaders(ErrorStatus.ToRpcException(
            new RejectedException(EngineErrors.WriteQueueFull, "More commands are under way than the service takes at a time.")
            {
                RetryAfter = appends.Value.RetryAfter,
            },
            errors.Value.Domain));
    }

    public RequestDelegate Guard(RequestDelegate next) => async http =>
    {
        if (!await HasMessageAsync(http))
        {
            return;
        }

        if (Interlocked.Increment(ref underWay) <= most)
        {
            await RunAsync(next, http);
            return;
        }

        Interlocked.Decrement(ref underWay);
        await RefuseAsync(http);
    };

    /// <summary>
    /// Waits for a call's message, so that a client that is slow to send it does not occupy a slot. False if the caller
    /// cancelled.
    /// </summary>
    private static async ValueTask<bool> HasMessageAsync(HttpContext http)
    {
        try
        {
            var message = await http.Request.BodyReader.ReadAsync(http.RequestAborted);
            http.Request.BodyReader.AdvanceTo(message.Buffer.Start);
            return true;
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException && http.RequestAborted.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task RefuseAsync(HttpContext http)
    {
        // An unread request gets its stream reset, on which some clients lose the response and some the connection.
        await http.Request.Body.CopyToAsync(Stream.Null, http.RequestAborted);
        http.Response.ContentType = "application/grpc";
        var headers = http.Response.Headers;
        (headers["grpc-status"], headers["grpc-message"], headers[ErrorStatus.DetailsTrailer]) = refusal;
    }

    private async Task RunAsync(RequestDelegate next, HttpContext http)
    {
        try
        {
            await next(http);
        }
        finally
        {
            Interlocked.Decrement(ref underWay);
        }
    }
}
