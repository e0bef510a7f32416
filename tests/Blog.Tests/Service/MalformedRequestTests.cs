using Grpc.Core;
using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>Bytes that are no message.</summary>
public sealed class MalformedRequestTests(BlogService blog) : IClassFixture<BlogService>
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(static bytes => bytes, static bytes => bytes);

    [Theory]
    [InlineData("blog.v1.PostCommandService", "CreatePost")]
    [InlineData("blog.v1.PostQueryService", "GetPost")]
    [InlineData("grpccqrs.operations.v1.OperationsService", "ListAuditEntries")]
    public async Task Bytes_that_are_no_message_are_refused_with_a_reason(string service, string method)
    {
        blog.ExpectError("InvalidProtocolBuffer");
        var call = blog.Channel.CreateCallInvoker().AsyncUnaryCall(
            new Method<byte[], byte[]>(MethodType.Unary, service, method, Bytes, Bytes), host: null, new CallOptions(), [0x0a, 0x05, 0x61, 0x62]);

        (await Refusal.OfAsync(call)).Is(EngineErrors.MalformedRequest);
    }
}
