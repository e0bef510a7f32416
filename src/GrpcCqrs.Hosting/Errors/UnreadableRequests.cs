using Grpc.Core;
using GrpcCqrs.EventSourcing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Hosting;

/// <summary>
/// The gRPC server parses a request before any interceptor runs, and returns UNKNOWN if that fails. This middleware
/// replaces that status with the error table's own: it applies if a call ended with UNKNOWN and never reached
/// <see cref="ErrorInterceptor"/>.
/// </summary>
internal sealed class UnreadableRequests(RequestDelegate next, IOptions<ErrorOptions> options)
{
    private static readonly object ReachedKey = new();

    /// <summary>Marks a call as having reached the interceptors.</summary>
    public static void Reached(ServerCallContext call) => call.GetHttpContext().Items[ReachedKey] = true;

    public async Task InvokeAsync(HttpContext http)
    {
        await next(http);
        var headers = http.Response.Headers;
        if (http.Response.HasStarted || http.Items.ContainsKey(ReachedKey)
            || !int.TryParse(headers["grpc-status"], out var status) || status != (int)StatusCode.Unknown)
        {
            return;
        }

        var told = ErrorStatus.ToRpcException(
            new RejectedException(EngineErrors.MalformedRequest, EngineErrors.MalformedRequest.Meaning), options.Value.Domain);
        (headers["grpc-status"], headers["grpc-message"], headers[ErrorStatus.DetailsTrailer]) = ErrorStatus.ToHeaders(told);
    }
}
