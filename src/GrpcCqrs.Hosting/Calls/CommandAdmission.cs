using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Hosting;

/// <summary>Refuses calls of commands while the service has as many as it can take.</summary>
public static class CommandAdmissionEndpoints
{
    /// <summary>
    /// Has the calls of a mapped gRPC service refused with <see cref="EngineErrors.WriteQueueFull"/> while
    /// <see cref="EndpointOptions.MaxCommands"/> of them are under way, all such services of the process together.
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
/// Counts the commands that are under way and refuses one too many before anything is done for it: an answer made beforehand, no
/// exception, no mapping. So the load beyond what the service can do takes little from what it does, and what waits is bounded from
/// the network on, also where processors are short and not the database.
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

    /// <summary>Waits for a call's message: a client that is slow to send one must not hold a place. False where the caller gave up.</summary>
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
        // A request that is left unread has its stream reset, at which some clients lose the answer and some the connection.
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
