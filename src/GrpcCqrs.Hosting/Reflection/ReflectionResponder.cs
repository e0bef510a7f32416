using Google.Protobuf.Reflection;
using Grpc.Core;
using GrpcCqrs.Protocol.Reflection.V1;
using RequestCase = GrpcCqrs.Protocol.Reflection.V1.ServerReflectionRequest.MessageRequestOneofCase;

namespace GrpcCqrs.Hosting.Reflection;

/// <summary>Answers reflection requests from a catalog. What cannot be answered becomes an error response.</summary>
internal sealed class ReflectionResponder(DescriptorCatalog catalog)
{
    public ServerReflectionResponse Respond(ServerReflectionRequest request)
    {
        var response = request.MessageRequestCase switch
        {
            RequestCase.ListServices => ListServices(),
            RequestCase.FileByFilename => File(catalog.FindFile(request.FileByFilename), $"file '{request.FileByFilename}'"),
            RequestCase.FileContainingSymbol =>
                File(catalog.FindFileOfSymbol(request.FileContainingSymbol), $"symbol '{request.FileContainingSymbol}'"),
            RequestCase.FileContainingExtension => FileContainingExtension(request.FileContainingExtension),
            RequestCase.AllExtensionNumbersOfType => AllExtensionNumbers(request.AllExtensionNumbersOfType),
            _ => Error(StatusCode.InvalidArgument, "The request asks nothing that this server knows to answer."),
        };
        response.ValidHost = request.Host;
        response.OriginalRequest = request;
        return response;
    }

    private ServerReflectionResponse ListServices() => new()
    {
        ListServicesResponse = new ListServiceResponse
        {
            Service = { catalog.ServiceNames.Select(name => new ServiceResponse { Name = name }) },
        },
    };

    private ServerReflectionResponse FileContainingExtension(ExtensionRequest extension) => File(
        catalog.FindFileOfExtension(extension.ContainingType, extension.ExtensionNumber),
        $"extension {extension.ExtensionNumber} of '{extension.ContainingType}'");

    private ServerReflectionResponse AllExtensionNumbers(string extendedType) =>
        catalog.FindExtensionNumbers(extendedType) is { } numbers
            ? new ServerReflectionResponse
            {
                AllExtensionNumbersResponse = new ExtensionNumberResponse
                {
                    BaseTypeName = extendedType,
                    ExtensionNumber = { numbers },
                },
            }
            : NotFound($"message type '{extendedType}'");

    private static ServerReflectionResponse File(FileDescriptor? file, string what) => file is null
        ? NotFound(what)
        : new ServerReflectionResponse
        {
            FileDescriptorResponse = new FileDescriptorResponse
            {
                FileDescriptorProto = { DescriptorCatalog.WithDependencies(file).Select(each => each.SerializedData) },
            },
        };

    private static ServerReflectionResponse NotFound(string what) => Error(StatusCode.NotFound, $"Unknown {what}.");

    private static ServerReflectionResponse Error(StatusCode code, string message) =>
        new() { ErrorResponse = new ErrorResponse { ErrorCode = (int)code, ErrorMessage = message } };
}
