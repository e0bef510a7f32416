using System.Net;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1;
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

    [Theory]
    [InlineData("grpc.reflection.v1")]
    [InlineData("grpc.reflection.v1alpha")]
    public async Task Both_versions_of_reflection_describe_calls_and_error_details(string package)
    {
        using var call = Reflect(blog, package);
        foreach (var (symbol, file) in new[]
        {
            ("blog.v1.PostCommandService.CreatePost", "blog/v1/post_commands.proto"),
            ("google.rpc.BadRequest", "google/rpc/error_details.proto"),
            ("google.rpc.ErrorInfo", "google/rpc/error_details.proto"),
        })
        {
            await call.RequestStream.WriteAsync(new ServerReflectionRequest { FileContainingSymbol = symbol });
            Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
            var files = call.ResponseStream.Current.FileDescriptorResponse.FileDescriptorProto.Select(bytes => FileDescriptorProto.Parser.ParseFrom(bytes).Name);
            Assert.Contains(file, files);
        }
    }

    [Fact]
    public async Task An_open_reflection_stream_does_not_delay_the_stop()
    {
        var service = await BlogService.StartNewAsync();
        using var call = Reflect(service, "grpc.reflection.v1");
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));

        // The host would wait ten minutes for it.
        await service.Application.StopAsync().WaitAsync(Patience.Limit);
        await service.DisposeAsync();
    }

    [Fact]
    public async Task A_client_that_goes_away_in_the_middle_of_a_stream_is_no_error()
    {
        using var call = new ServerReflection.ServerReflectionClient(blog.Channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
    }

    /// <summary>A stream to either version of the protocol, which look the same on the wire.</summary>
    private static AsyncDuplexStreamingCall<ServerReflectionRequest, ServerReflectionResponse> Reflect(BlogService service, string package) =>
        service.Channel.CreateCallInvoker().AsyncDuplexStreamingCall(
            new Method<ServerReflectionRequest, ServerReflectionResponse>(
                MethodType.DuplexStreaming,
                $"{package}.ServerReflection",
                "ServerReflectionInfo",
                Marshallers.Create(message => message.ToByteArray(), ServerReflectionRequest.Parser.ParseFrom),
                Marshallers.Create(message => message.ToByteArray(), ServerReflectionResponse.Parser.ParseFrom)),
            host: null,
            default);
}
