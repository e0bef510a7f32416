using System.Net;
using Grpc.Core;
using GrpcCqrs.Protocol.Health.V1;
using GrpcCqrs.Protocol.Reflection.V1;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>What load balancers and generic clients ask.</summary>
public sealed class ProbeTests(BlogService blog) : IClassFixture<BlogService>
{
    [Theory]
    [InlineData("")]
    [InlineData("blog.v1.PostCommandService")]
    [InlineData("blog.v1.PostQueryService")]
    public async Task Every_service_is_serving(string service)
    {
        var created = await blog.CreateAsync();
        await blog.GetAsync(created.PostId, created.ConsistencyToken);
        var health = new Health.HealthClient(blog.Channel);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await health.CheckAsync(new() { Service = service })).Status);
    }

    [Fact]
    public async Task An_unknown_service_has_no_health()
    {
        var health = new Health.HealthClient(blog.Channel);
        Assert.Equal(StatusCode.NotFound, (await Refusal.OfAsync(health.CheckAsync(new() { Service = "blog.v1.Nothing" }))).Status);
    }

    [Theory]
    [InlineData("/health/live", HttpStatusCode.OK)]
    [InlineData("/health/ready", HttpStatusCode.OK)]
    [InlineData("/health", HttpStatusCode.NotFound)]
    public async Task Probes_over_HTTP_are_answered(string path, HttpStatusCode expected)
    {
        using var http = new HttpClient();
        using var response = await http.GetAsync(new Uri(blog.HttpAddress, path));
        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task Reflection_lists_exactly_the_services_of_the_blog_and_the_standard_ones()
    {
        using var call = new ServerReflection.ServerReflectionClient(blog.Channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(
            [
                "blog.v1.PostCommandService",
                "blog.v1.PostQueryService",
                "grpc.health.v1.Health",
                "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection",
                "grpccqrs.feed.v1.EventFeedService",
                "grpccqrs.operations.v1.OperationsService",
            ],
            call.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name).Order(StringComparer.Ordinal));
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(CancellationToken.None));
    }

    [Fact]
    public async Task A_client_that_goes_away_in_the_middle_of_a_stream_is_no_error()
    {
        using var call = new ServerReflection.ServerReflectionClient(blog.Channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
    }
}
