using Google.Rpc;
using Grpc.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace GrpcCqrs.Hosting;

/// <summary>Server reflection, v1 and v1alpha, for grpcurl, <c>buf curl</c> and similar tools.</summary>
internal static class ServerReflection
{
    /// <summary>
    /// Registers reflection for the mapped services and for <c>google.rpc</c>'s error details, which no service
    /// imports.
    /// </summary>
    public static void AddServerReflection(this IServiceCollection services)
    {
        // Registered first: the library's own registrations do not replace these.
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

    /// <summary>Maps both versions. Open streams end when the server stops, so that they do not delay it.</summary>
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
