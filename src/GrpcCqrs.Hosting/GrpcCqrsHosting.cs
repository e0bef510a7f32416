using System.Net;
using GrpcCqrs.Hosting.Feed;
using GrpcCqrs.Hosting.Health;
using GrpcCqrs.Hosting.Operations;
using GrpcCqrs.Storage.Projections;
using GrpcCqrs.Storage.Schema;
using GrpcCqrs.Storage.Subscriptions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Hosting;

/// <summary>Hosts a service over gRPC.</summary>
public static class GrpcCqrsHosting
{
    /// <summary>Adds endpoints, error model, call contexts, health, reflection and background jobs.</summary>
    /// <param name="builder">The host.</param>
    /// <param name="errorDomain">The service's name, for <c>ErrorInfo.domain</c>.</param>
    /// <param name="queryServices">
    /// Full names of the gRPC services that answer from the read model. Their health depends on it.
    /// </param>
    public static WebApplicationBuilder AddGrpcCqrs(this WebApplicationBuilder builder, string errorDomain, params string[] queryServices)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.AddOptions<EndpointOptions>().BindConfiguration(EndpointOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<ReadModelHealthOptions>().BindConfiguration(ReadModelHealthOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<NodeOptions>().BindConfiguration(NodeOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        var node = builder.Configuration.GetSection(NodeOptions.Section).Get<NodeOptions>() ?? new NodeOptions();
        services.PostConfigure<ProjectionOptions>(options => options.Mode = node.Projections);
        services.PostConfigure<FeedOptions>(options => options.RunsSubscriptions = node.Projections == ProjectionMode.Project);
        services.Configure<ErrorOptions>(options => options.Domain = errorDomain);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<CallContexts>();
        services.AddSingleton<ServiceCalls>();
        services.AddSingleton<CommandAdmission>();

        var endpoints = builder.Configuration.GetSection(EndpointOptions.Section).Get<EndpointOptions>() ?? new EndpointOptions();
        services.AddGrpc(options =>
        {
            options.MaxReceiveMessageSize = endpoints.MaxRequestBytes;
            options.Interceptors.Add<ErrorInterceptor>();
        });
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            Listen(kestrel, "Endpoints:Grpc", endpoints.Grpc, HttpProtocols.Http2);
            Listen(kestrel, "Endpoints:Http", endpoints.Http, HttpProtocols.Http1);
        });

        services.AddSingleton<FeedRequests>();
        services.AddSingleton<StreamWriters>();
        services.AddSingleton<VerificationGate>();
        services.AddSingleton<MappedServices>();
        services.AddServerReflection();
        var health = services.AddServiceHealth().AddCheck<WriteDatabaseHealthCheck>("write-database");
        if (node.Projections != ProjectionMode.Off)
        {
            health.AddCheck<ReadModelHealthCheck>("read-model", tags: queryServices);
        }
        return builder;
    }

    /// <summary>Upgrades the databases to the latest schema. Call it before the host runs.</summary>
    public static async Task InitializeStorageAsync(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        await app.Services.GetRequiredService<StorageInitializer>().InitializeAsync(app.Lifetime.ApplicationStopping);
    }

    /// <summary>
    /// The role of this process, which decides the gRPC services that a service maps.
    /// </summary>
    public static NodeOptions Node(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        return app.Services.GetRequiredService<IOptions<NodeOptions>>().Value;
    }

    /// <summary>
    /// Maps the event feed, operations, health and reflection, and for HTTP probes <c>/health/live</c> (the process
    /// runs) and <c>/health/ready</c> (the checks pass).
    /// </summary>
    public static WebApplication MapGrpcCqrs(this WebApplication app)
    {
        app.UseMiddleware<UnreadableRequests>();
        app.Services.GetRequiredService<MappedServices>().Routes = app;
        app.MapGrpcHealthChecksService();
        app.MapGrpcService<EventFeedGrpcService>();
        app.MapGrpcService<OperationsGrpcService>();
        app.MapServerReflection();
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/health/ready", new HealthCheckOptions { ResponseWriter = WriteHealthAsync });
        return app;
    }

    private static Task WriteHealthAsync(HttpContext http, Microsoft.Extensions.Diagnostics.HealthChecks.HealthReport report) =>
        http.Response.WriteAsJsonAsync(new
        {
            status = report.Status.ToString(),
            checks = report.Entries.ToDictionary(
                entry => entry.Key, entry => new { status = entry.Value.Status.ToString(), entry.Value.Description }, StringComparer.Ordinal),
        });

    private static void Listen(KestrelServerOptions kestrel, string name, string address, HttpProtocols protocols)
    {
        BindingAddress binding;
        try
        {
            binding = BindingAddress.Parse(address);
        }
        catch (FormatException exception)
        {
            throw new InvalidOperationException($"{name} is '{address}'; it must be http://host:port.", exception);
        }

        if (!string.Equals(binding.Scheme, "http", StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidOperationException($"{name} is '{address}'; only http is served, put TLS in front of it.");
        }

        void Configure(ListenOptions options) => options.Protocols = protocols;
        if (string.Equals(binding.Host, "localhost", StringComparison.OrdinalIgnoreCase) && binding.Port != 0)
        {
            kestrel.ListenLocalhost(binding.Port, Configure);
        }
        else if (string.Equals(binding.Host, "localhost", StringComparison.OrdinalIgnoreCase))
        {
            kestrel.Listen(IPAddress.Loopback, 0, Configure);
        }
        else if (IPAddress.TryParse(binding.Host.Trim('[', ']'), out var ip))
        {
            kestrel.Listen(ip, binding.Port, Configure);
        }
        else if (binding.Host is "*" or "+")
        {
            kestrel.ListenAnyIP(binding.Port, Configure);
        }
        else
        {
            throw new InvalidOperationException($"{name} is '{address}'; the host must be localhost, an IP address or *.");
        }
    }
}
