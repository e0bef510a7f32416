using Google.Rpc;
using Grpc.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace GrpcCqrs.Hosting;

/// <summary>Server reflection, v1 and v1alpha, for grpcurl, <c>buf curl</c> and the like.</summary>
internal static class ServerReflection
{
    /// <summary>Registers reflection about the mapped services and about <c>google.rpc</c>'s error details, which no service imports.</summary>
    public static void AddServerReflection(this IServiceCollection services)
    {
        // Registered first: the library's own registrations leave these alone.
        services.AddSingleton(provider =>
        {
            var (names, symbols) = Describe(provider);
            return new ReflectionServiceImpl(names, symbols);
        });
        services.AddSingleton(provider =>
        {
            var (names, symbols) = Describe(provider);
            return new ReflectionV1ServiceImpl(names, symbols);
        });
        services.AddGrpcReflection();
    }

    /// <summary>Maps both versions. An open stream ends when the server stops, so that it does not delay the stop.</summary>
    public static void MapServerReflection(this IEndpointRouteBuilder endpoints)
    {
        var stopping = endpoints.ServiceProvider.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        endpoints.MapGrpcReflectionService().Add(endpoint =>
        {
            var next = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = async http =>
            {
                await using var ending = stopping.Register(http.Abort);
                await next(http);
            };
        });
    }

    private static (IEnumerable<string> Names, SymbolRegistry Symbols) Describe(IServiceProvider provider)
    {
        var services = provider.GetRequiredService<MappedServices>().FindDescriptors();
        return (
            services.Select(service => service.FullName),
            SymbolRegistry.FromFiles([.. services.Select(service => service.File).Distinct(), ErrorDetailsReflection.Descriptor]));
    }
}
