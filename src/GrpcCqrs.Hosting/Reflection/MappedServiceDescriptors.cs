using System.Reflection;
using Google.Protobuf.Reflection;
using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Http;

namespace GrpcCqrs.Hosting.Reflection;

/// <summary>Finds the descriptors of the gRPC services that are mapped as endpoints.</summary>
internal static class MappedServiceDescriptors
{
    /// <summary>
    /// The descriptors behind the endpoints. Services without one, such as those whose methods were bound by hand, are left out:
    /// a client could not use their names.
    /// </summary>
    public static IEnumerable<ServiceDescriptor> Find(IEnumerable<Endpoint> endpoints) => endpoints
        .Select(endpoint => endpoint.Metadata.GetMetadata<GrpcMethodMetadata>()?.ServiceType)
        .OfType<Type>()
        .Distinct()
        .Select(FindDescriptor)
        .OfType<ServiceDescriptor>();

    /// <summary>
    /// protoc nests the base class of a service in a static class that bears its descriptor, so the first such class around a
    /// base type is the one.
    /// </summary>
    private static ServiceDescriptor? FindDescriptor(Type serviceType)
    {
        for (var type = serviceType; type is not null; type = type.BaseType)
        {
            if (type.DeclaringType is { IsAbstract: true, IsSealed: true } generated
                && generated.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)?.GetValue(obj: null)
                    is ServiceDescriptor descriptor)
            {
                return descriptor;
            }
        }

        return null;
    }
}
