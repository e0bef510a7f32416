using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using GrpcCqrs.Hosting.Reflection;
using GrpcCqrs.Hosting.Tests.Reflection.Library;
using GrpcCqrs.Protocol.Reflection.V1;
using Microsoft.AspNetCore.Builder;
using Xunit;
using ResponseCase = GrpcCqrs.Protocol.Reflection.V1.ServerReflectionResponse.MessageResponseOneofCase;

namespace GrpcCqrs.Hosting.Tests.Reflection;

/// <summary>Each spec asks both versions of the protocol with the same messages, since they look the same on the wire.</summary>
public abstract class ReflectionSpecs(string package) : IAsyncLifetime
{
    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(30));
    private LoopbackServer? _server;

    public async Task InitializeAsync() => _server = await LoopbackServer.StartAsync(
        services => services.AddGrpcReflection(),
        app =>
        {
            app.MapGrpcReflection();
            app.MapGrpcService<LibraryServer>();
            app.MapGrpcService(_ => PlainService.Create("test.Plain"));
        });

    public async Task DisposeAsync()
    {
        await _server!.DisposeAsync();
        _timeout.Dispose();
    }

    [Fact]
    public async Task Lists_mapped_services_with_a_descriptor_only()
    {
        var response = await AskAsync(new ServerReflectionRequest { ListServices = "*" });

        Assert.Equal(
            ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection", "test.library.v1.LibraryService"],
            response.ListServicesResponse.Service.Select(service => service.Name));
    }

    [Theory]
    [InlineData("test.library.v1.LibraryService", "library.proto")]
    [InlineData("test.library.v1.LibraryService.Borrow", "library.proto")]
    [InlineData("test.library.v1.Book", "library.proto")]
    [InlineData("test.library.v1.Book.title", "library.proto")]
    [InlineData("test.library.v1.Book.mark", "library.proto")]
    [InlineData("test.library.v1.Book.Page", "library.proto")]
    [InlineData("test.library.v1.Book.Page.number", "library.proto")]
    [InlineData("test.library.v1.Book.Binding", "library.proto")]
    [InlineData("test.library.v1.Book.BINDING_CLOTH", "library.proto")]
    [InlineData("test.library.v1.Book.rare", "library.proto")]
    [InlineData("test.library.v1.Genre", "library.proto")]
    [InlineData("test.library.v1.GENRE_NOVEL", "library.proto")]
    [InlineData("test.library.v1.audience", "library.proto")]
    [InlineData("test.library.v1.Shelf", "shelf.proto")]
    [InlineData("google.protobuf.Timestamp", "google/protobuf/timestamp.proto")]
    public async Task Finds_the_file_of_a_symbol(string symbol, string file)
    {
        var response = await AskAsync(new ServerReflectionRequest { FileContainingSymbol = symbol });

        Assert.Equal(file, FileNames(response)[0]);
    }

    [Fact]
    public async Task File_comes_with_everything_it_imports()
    {
        var response = await AskAsync(new ServerReflectionRequest { FileByFilename = "library.proto" });

        Assert.Equal(
            ["library.proto", "google/protobuf/descriptor.proto", "shelf.proto", "google/protobuf/timestamp.proto"],
            FileNames(response));
        var files = FileDescriptor.BuildFromByteStrings(response.FileDescriptorResponse.FileDescriptorProto.Reverse());
        Assert.Equal("Borrow", files[^1].Services[0].Methods[0].Name);
    }

    [Theory]
    [InlineData(50001)]
    [InlineData(50002)]
    public async Task Finds_the_file_of_an_extension(int number)
    {
        var response = await AskAsync(new ServerReflectionRequest
        {
            FileContainingExtension = new ExtensionRequest
            {
                ContainingType = "google.protobuf.MethodOptions",
                ExtensionNumber = number,
            },
        });

        Assert.Equal("library.proto", FileNames(response)[0]);
    }

    [Theory]
    [InlineData("google.protobuf.MethodOptions", new[] { 50001, 50002 })]
    [InlineData("test.library.v1.Book.Page", new int[0])]
    public async Task Lists_the_extension_numbers_of_a_type(string type, int[] numbers)
    {
        var response = await AskAsync(new ServerReflectionRequest { AllExtensionNumbersOfType = type });

        Assert.Equal(type, response.AllExtensionNumbersResponse.BaseTypeName);
        Assert.Equal(numbers, response.AllExtensionNumbersResponse.ExtensionNumber);
    }

    public static TheoryData<string> UnknownThings { get; } =
    [
        """{ "fileByFilename": "missing.proto" }""",
        """{ "fileContainingSymbol": "test.library.v1.Missing" }""",
        """{ "fileContainingExtension": { "containingType": "google.protobuf.MethodOptions", "extensionNumber": 1 } }""",
        """{ "fileContainingExtension": { "containingType": "test.Missing", "extensionNumber": 1 } }""",
        """{ "allExtensionNumbersOfType": "test.Missing" }""",
    ];

    [Theory]
    [MemberData(nameof(UnknownThings))]
    public async Task Unknown_thing_gives_an_error_response(string request)
    {
        var response = await AskAsync(ServerReflectionRequest.Parser.ParseJson(request));

        Assert.Equal((int)StatusCode.NotFound, response.ErrorResponse.ErrorCode);
        Assert.NotEmpty(response.ErrorResponse.ErrorMessage);
    }

    [Fact]
    public async Task Empty_question_gives_an_error_response()
    {
        var response = await AskAsync(new ServerReflectionRequest());

        Assert.Equal((int)StatusCode.InvalidArgument, response.ErrorResponse.ErrorCode);
    }

    [Fact]
    public async Task Each_request_on_a_stream_is_answered_in_order_and_echoed()
    {
        ServerReflectionRequest[] requests =
        [
            new() { Host = "a.example", ListServices = "" },
            new() { Host = "b.example", FileContainingSymbol = "test.Missing" },
            new() { FileByFilename = "shelf.proto" },
        ];

        var responses = await AskAllAsync(requests);

        Assert.Equal(requests, responses.Select(response => response.OriginalRequest));
        Assert.Equal(requests.Select(request => request.Host), responses.Select(response => response.ValidHost));
        Assert.Equal(
            [ResponseCase.ListServicesResponse, ResponseCase.ErrorResponse, ResponseCase.FileDescriptorResponse],
            responses.Select(response => response.MessageResponseCase));
    }

    private static List<string> FileNames(ServerReflectionResponse response) => response.FileDescriptorResponse
        .FileDescriptorProto.Select(bytes => FileDescriptorProto.Parser.ParseFrom(bytes).Name).ToList();

    private async Task<ServerReflectionResponse> AskAsync(ServerReflectionRequest request) =>
        Assert.Single(await AskAllAsync(request));

    private async Task<List<ServerReflectionResponse>> AskAllAsync(params ServerReflectionRequest[] requests)
    {
        var method = new Method<ServerReflectionRequest, ServerReflectionResponse>(
            MethodType.DuplexStreaming,
            $"{package}.ServerReflection",
            "ServerReflectionInfo",
            Marshallers.Create(message => message.ToByteArray(), ServerReflectionRequest.Parser.ParseFrom),
            Marshallers.Create(message => message.ToByteArray(), ServerReflectionResponse.Parser.ParseFrom));
        using var call = _server!.Channel.CreateCallInvoker().AsyncDuplexStreamingCall(
            method, host: null, new CallOptions(cancellationToken: _timeout.Token));
        foreach (var request in requests)
        {
            await call.RequestStream.WriteAsync(request, _timeout.Token);
        }

        await call.RequestStream.CompleteAsync();
        var responses = new List<ServerReflectionResponse>();
        await foreach (var response in call.ResponseStream.ReadAllAsync(_timeout.Token))
        {
            responses.Add(response);
        }

        return responses;
    }

    /// <summary>Derives from a derived class, as a server with a base class of its own does.</summary>
    private sealed class LibraryServer : LibraryServerBase;

    private abstract class LibraryServerBase : LibraryService.LibraryServiceBase;
}

public sealed class ReflectionServiceV1Tests() : ReflectionSpecs("grpc.reflection.v1");

public sealed class ReflectionServiceV1AlphaTests() : ReflectionSpecs("grpc.reflection.v1alpha");
