using System.Reflection;
using Google.Protobuf.Reflection;
using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Routing;

namespace GrpcCqrs.Hosting;

/// <summary>The gRPC services that the host maps, for health and reflection. Complete once the host starts.</summary>
internal sealed class MappedServices
{
    /// <summary>The host's route builder; set when the engine maps its own services.</summary>
    public IEndpointRouteBuilder? Routes { get; set; }

    private IEnumerable<GrpcMethodMetadata> Methods => (Routes?.DataSources ?? [])
        .SelectMany(source => source.Endpoints)
        .Select(endpoint => endpoint.Metadata.GetMetadata<GrpcMethodMetadata>())
        .OfType<GrpcMethodMetadata>();

    /// <summary>The full names, such as <c>blog.v1.PostQueryService</c>.</summary>
    public HashSet<string> FindNames() => Methods.Select(method => method.Method.ServiceName).ToHashSet(StringComparer.Ordinal);

    /// <summary>The descriptors. A manually bound service has none.</summary>
    public IReadOnlyList<ServiceDescriptor> FindDescriptors() =>
        [.. Methods.Select(method => method.ServiceType).Distinct().Select(FindDescriptor).OfType<ServiceDescriptor>()];

    /// <summary>protoc nests a service's base class in the static class that holds its descriptor.</summary>
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
