using Grpc.Core;

namespace GrpcCqrs.Hosting.Tests;

/// <summary>A service that is bound by hand, so that it has a name and a method but no protobuf descriptor.</summary>
internal static class PlainService
{
    public static ServerServiceDefinition Create(string name) => ServerServiceDefinition.CreateBuilder()
        .AddMethod(
            new Method<string, string>(
                MethodType.Unary, name, "Echo", Marshallers.StringMarshaller, Marshallers.StringMarshaller),
            (request, _) => Task.FromResult(request))
        .Build();
}
