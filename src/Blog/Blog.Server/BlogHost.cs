using Blog.Application;
using Blog.Infrastructure;
using GrpcCqrs.Hosting;
using GrpcCqrs.Jobs.Hangfire;

namespace Blog.Server;

/// <summary>Puts the service together, for the program and for tests alike.</summary>
public static class BlogHost
{
    /// <summary>A host that is ready to run: configured, its databases at the newest schema.</summary>
    /// <param name="args">Settings as on the command line, such as <c>--Storage:Directory=/var/lib/blog</c>.</param>
    public static async Task<WebApplication> CreateAsync(string[] args)
    {
        var app = Build(args);
        await app.InitializeStorageAsync();
        return app;
    }

    /// <summary>A host that is configured and has touched no database yet.</summary>
    public static WebApplication Build(string[] args) => Build(args, _ => { });

    /// <summary>The same with more services, such as subscriptions.</summary>
    /// <param name="args">Settings as on the command line.</param>
    /// <param name="configure">Adds services after those of the Blog.</param>
    public static WebApplication Build(string[] args, Action<IServiceCollection> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);

        // Settings lie beside the program; the data directory is relative to where it is started.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        builder.AddGrpcCqrs(errorDomain: "blog", queryServices: "blog.v1.PostQueryService");
        builder.Services
            .AddBlogApplication()
            .AddBlogInfrastructure()
            .AddBlogServer(builder.Configuration)
            .AddHangfireJobs();
        configure(builder.Services);

        var app = builder.Build();
        app.MapGrpcCqrs();
        app.MapHangfireJobs();
        app.MapBlog();
        return app;
    }
}
