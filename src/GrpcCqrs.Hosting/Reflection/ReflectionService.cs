using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using V1 = GrpcCqrs.Protocol.Reflection.V1;
using V1Alpha = GrpcCqrs.Protocol.Reflection.V1Alpha;

namespace GrpcCqrs.Hosting.Reflection;

/// <summary>Serves <c>grpc.reflection.v1</c>: tells generic clients which services this server maps, and their messages.</summary>
internal sealed class ReflectionServiceV1(ReflectionResponder responder, IHostApplicationLifetime lifetime) : V1.ServerReflection.ServerReflectionBase
{
    /// <inheritdoc />
    public override async Task ServerReflectionInfo(
        IAsyncStreamReader<V1.ServerReflectionRequest> requestStream,
        IServerStreamWriter<V1.ServerReflectionResponse> responseStream,
        ServerCallContext context)
    {
        await foreach (var request in requestStream.UntilStoppingAsync(lifetime, context.CancellationToken))
        {
            await responseStream.WriteAsync(responder.Respond(request), context.CancellationToken);
        }
    }
}

/// <summary>
/// Serves <c>grpc.reflection.v1alpha</c> for clients that know no other. Both versions look the same on the wire, so a message
/// of one is re-read as a message of the other.
/// </summary>
internal sealed class ReflectionServiceV1Alpha(ReflectionResponder responder, IHostApplicationLifetime lifetime) : V1Alpha.ServerReflection.ServerReflectionBase
{
    /// <inheritdoc />
    public override async Task ServerReflectionInfo(
        IAsyncStreamReader<V1Alpha.ServerReflectionRequest> requestStream,
        IServerStreamWriter<V1Alpha.ServerReflectionResponse> responseStream,
        ServerCallContext context)
    {
        await foreach (var request in requestStream.UntilStoppingAsync(lifetime, context.CancellationToken))
        {
            var response = responder.Respond(V1.ServerReflectionRequest.Parser.ParseFrom(request.ToByteString()));
            await responseStream.WriteAsync(
                V1Alpha.ServerReflectionResponse.Parser.ParseFrom(response.ToByteString()), context.CancellationToken);
        }
    }
}

internal static class RequestStreams
{
    /// <summary>The requests of a stream until the caller ends it or the server stops, so that no open stream holds up the stop.</summary>
    public static async IAsyncEnumerable<TRequest> UntilStoppingAsync<TRequest>(
        this IAsyncStreamReader<TRequest> requests, IHostApplicationLifetime lifetime, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        while (await MoveNextAsync())
        {
            yield return requests.Current;
        }

        async Task<bool> MoveNextAsync()
        {
            try
            {
                return await requests.MoveNext(ending.Token);
            }
            catch (Exception exception) when (
                exception is OperationCanceledException or IOException && lifetime.ApplicationStopping.IsCancellationRequested)
            {
                return false;
            }
        }
    }
}
