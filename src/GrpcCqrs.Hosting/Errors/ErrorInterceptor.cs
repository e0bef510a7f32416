using System.Data.Common;
using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Hosting;

/// <summary>How errors are returned. Set by the service's code.</summary>
public sealed class ErrorOptions
{
    /// <summary>The <c>ErrorInfo.domain</c> of errors: the service's name.</summary>
    public string Domain { get; set; } = "grpccqrs";
}

/// <summary>
/// The outermost interceptor: converts rejections to statuses with details. Anything else is logged and becomes
/// INTERNAL with a reference number.
/// </summary>
internal sealed partial class ErrorInterceptor(IOptions<ErrorOptions> options, ILogger<ErrorInterceptor> logger) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        UnreadableRequests.Reached(context);
        try
        {
            return await continuation(request, context);
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            throw Translate(exception, context);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        UnreadableRequests.Reached(context);
        try
        {
            await continuation(request, responseStream, context);
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            throw Translate(exception, context);
        }
    }

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        UnreadableRequests.Reached(context);
        try
        {
            return await continuation(requestStream, context);
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            throw Translate(exception, context);
        }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        UnreadableRequests.Reached(context);
        try
        {
            await continuation(requestStream, responseStream, context);
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            throw Translate(exception, context);
        }
    }

    private RpcException Translate(Exception exception, ServerCallContext context)
    {
        if (exception is InvalidProtocolBufferException)
        {
            exception = new RejectedException(EngineErrors.MalformedRequest, EngineErrors.MalformedRequest.Meaning, exception);
        }

        if (exception is RejectedException rejection)
        {
            return ErrorStatus.ToRpcException(rejection, options.Value.Domain);
        }

        // A driver may report a cancelled query as its own failure.
        if (exception is OperationCanceledException or IOException or DbException && context.CancellationToken.IsCancellationRequested)
        {
            return new RpcException(new Status(StatusCode.Cancelled, "The caller gave up."));
        }

        if (exception is DbException)
        {
            LogDatabaseFailed(logger, context.Method, exception);
            return ErrorStatus.ToRpcException(
                new RejectedException(EngineErrors.DatabaseUnavailable, "The database failed; the service's log says why."), options.Value.Domain);
        }

        var reference = Activity.Current?.TraceId.ToHexString() ?? Guid.CreateVersion7().ToString("N");
        LogFailed(logger, context.Method, reference, exception);
        return ErrorStatus.Internal(reference, options.Value.Domain);
    }

    [LoggerMessage(2002, LogLevel.Error, "{Method} failed for the database")]
    private static partial void LogDatabaseFailed(ILogger logger, string method, Exception exception);

    [LoggerMessage(2001, LogLevel.Error, "{Method} failed; reference {Reference}")]
    private static partial void LogFailed(ILogger logger, string method, string reference, Exception exception);
}
