using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace GrpcCqrs.Hosting.Reflection;

/// <summary>Adds server reflection to a host, for grpcurl, <c>buf curl</c> and the like.</summary>
public static class GrpcReflectionRegistration
{
    /// <summary>Registers what the reflection services need. <c>AddGrpc</c> is the caller's.</summary>
    public static IServiceCollection AddGrpcReflection(this IServiceCollection services)
    {
        // The endpoints are complete by the first call, which is when the responder is made.
        services.TryAddSingleton(provider => new ReflectionResponder(new DescriptorCatalog(
            MappedServiceDescriptors.Find(provider.GetRequiredService<EndpointDataSource>().Endpoints))));
        services.TryAddSingleton<ReflectionServiceV1>();
        services.TryAddSingleton<ReflectionServiceV1Alpha>();
        return services;
    }

    /// <summary>
    /// Maps <c>grpc.reflection.v1</c> and <c>v1alpha</c>. They list every mapped service that has a protobuf descriptor,
    /// themselves included.
    /// </summary>
    /// <returns>The conventions of both, to require authorisation for instance.</returns>
    public static IEndpointConventionBuilder MapGrpcReflection(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("");
        group.MapGrpcService<ReflectionServiceV1>();
        group.MapGrpcService<ReflectionServiceV1Alpha>();
        return group;
    }
}
