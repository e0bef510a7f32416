using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Hosting;

/// <summary>Converts errors to gRPC statuses with google.rpc details (AIP-193).</summary>
public static class ErrorStatus
{
    /// <summary>The trailer with the google.rpc.Status.</summary>
    public const string DetailsTrailer = "grpc-status-details-bin";

    /// <summary>The gRPC status of a kind of error.</summary>
    public static StatusCode CodeOf(ErrorKind kind) => kind switch
    {
        ErrorKind.InvalidArgument => StatusCode.InvalidArgument,
        ErrorKind.NotFound => StatusCode.NotFound,
        ErrorKind.AlreadyExists => StatusCode.AlreadyExists,
        ErrorKind.FailedPrecondition => StatusCode.FailedPrecondition,
        ErrorKind.Aborted => StatusCode.Aborted,
        ErrorKind.ResourceExhausted => StatusCode.ResourceExhausted,
        ErrorKind.Unavailable => StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };

    /// <summary>The exception for a rejected request.</summary>
    /// <param name="rejection">The rejection.</param>
    /// <param name="domain">The service's name, for ErrorInfo.</param>
    public static RpcException ToRpcException(RejectedException rejection, string domain)
    {
        ArgumentNullException.ThrowIfNull(rejection);
        var info = Info(rejection.Code.Reason, domain);
        foreach (var (key, value) in rejection.Facts)
        {
            info.Metadata.Add(key, value);
        }

        var details = new List<IMessage> { info };
        if (rejection.Fields.Count > 0)
        {
            var badRequest = new BadRequest();
            badRequest.FieldViolations.AddRange(rejection.Fields.Select(
                field => new BadRequest.Types.FieldViolation { Field = field.Field, Description = field.Description }));
            details.Add(badRequest);
        }

        if (rejection.Code.Kind == ErrorKind.FailedPrecondition)
        {
            details.Add(new PreconditionFailure
            {
                Violations =
                {
                    new PreconditionFailure.Types.Violation
                    {
                        Type = rejection.Code.Reason, Subject = rejection.Subject ?? "", Description = rejection.Message,
                    },
                },
            });
        }
        else if (rejection.Subject is { } subject)
        {
            var slash = subject.IndexOf('/', StringComparison.Ordinal);
            details.Add(new ResourceInfo
            {
                ResourceType = slash > 0 ? subject[..slash] : "streams", ResourceName = subject, Description = rejection.Code.Meaning,
            });
        }

        if (rejection.RetryAfter is { } retryAfter)
        {
            details.Add(new RetryInfo { RetryDelay = Duration.FromTimeSpan(retryAfter) });
        }

        return ToRpcException(CodeOf(rejection.Code.Kind), rejection.Message, details);
    }

    /// <summary>
    /// The exception for a failure of the service. It carries only the reference number of the log entry.
    /// </summary>
    public static RpcException Internal(string reference, string domain)
    {
        var info = Info("INTERNAL", domain);
        info.Metadata.Add("reference", reference);
        return ToRpcException(
            StatusCode.Internal,
            $"The service failed. Its log says why under the reference {reference}.",
            [info, new RequestInfo { RequestId = reference }]);
    }

    /// <summary>
    /// The same error as response headers, for a call that never reached the gRPC server (a trailers-only response).
    /// </summary>
    internal static (string Status, string Message, string Details) ToHeaders(RpcException told) => (
        ((int)told.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture),
        Uri.EscapeDataString(told.Status.Detail),
        Convert.ToBase64String(told.Trailers.GetValueBytes(MetadataExtensions.StatusDetailsTrailerName)!).TrimEnd('='));

    private static ErrorInfo Info(string reason, string domain) => new() { Reason = reason, Domain = domain };

    private static RpcException ToRpcException(StatusCode code, string message, IReadOnlyList<IMessage> details)
    {
        var status = new Google.Rpc.Status { Code = (int)code, Message = message };
        status.Details.AddRange(details.Select(Any.Pack));
        return status.ToRpcException();
    }
}
