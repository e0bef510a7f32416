using GrpcCqrs.Hosting;

namespace Blog.Server;

/// <summary>The blog's gRPC services.</summary>
public static class BlogServer
{
    /// <summary>Adds the mapping between protos and messages. <c>AutoMapper:LicenseKey</c> is the licence of AutoMapper, where there is one.</summary>
    public static IServiceCollection AddBlogServer(this IServiceCollection services, IConfiguration configuration) =>
        services.AddAutoMapper(mapper =>
        {
            mapper.LicenseKey = configuration["AutoMapper:LicenseKey"];
            mapper.AddProfile<BlogMapping>();
        });

    /// <summary>Maps the gRPC services that are the node's.</summary>
    public static WebApplication MapBlog(this WebApplication app)
    {
        var node = app.Node();
        if (node.ServesCommands)
        {
            app.MapGrpcService<PostCommandGrpcService>().RefuseWhenOverloaded();
        }

        if (node.ServesQueries)
        {
            app.MapGrpcService<PostQueryGrpcService>();
        }

        return app;
    }
}
