using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace GrpcCqrs.Client;

/// <summary>An invalid field of the request.</summary>
/// <param name="Field">The field's path in the proto, such as <c>title</c> or <c>tags[2]</c>.</param>
/// <param name="Description">What to change, in a sentence.</param>
public sealed record FieldFault(string Field, string Description);

/// <summary>A condition of the service's state that does not hold.</summary>
/// <param name="Type">The condition's name, in UPPER_SNAKE_CASE.</param>
/// <param name="Subject">Its subject, such as <c>posts/0199…</c>; empty if there is no single one.</param>
/// <param name="Description">What is wrong, in a sentence.</param>
public sealed record PreconditionFault(string Type, string Subject, string Description);

/// <summary>The resource that an error is about.</summary>
/// <param name="Type">The kind of resource, such as <c>posts</c>.</param>
/// <param name="Name">Its name, such as <c>posts/0199…</c>.</param>
public sealed record ErrorResource(string Type, string Name);

/// <summary>
/// The typed details of a failed call: the google.rpc details in the trailer <c>grpc-status-details-bin</c>. An error
/// without details, or with unreadable ones, has only the status code and the message.
/// </summary>
public sealed class RichError
{
    /// <summary>
    /// The engine's error reasons for which the same request can succeed later without a change by the caller.
    /// </summary>
    private static readonly string[] RetryableReasons = ["WRITE_QUEUE_FULL", "DATABASE_UNAVAILABLE", "READ_MODEL_BEHIND", "TOO_MUCH_CONTENTION", "VERIFICATION_RUNNING"];

    private readonly List<FieldFault> fieldViolations = [];
    private readonly List<PreconditionFault> preconditionViolations = [];
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);

    private RichError(RpcException exception)
    {
        StatusCode = exception.StatusCode;
        Message = exception.Status.Detail;
        IsBrokenTransport = exception.Status.DebugException is HttpRequestException or IOException;
    }

    /// <summary>The gRPC status.</summary>
    public StatusCode StatusCode { get; }

    /// <summary>The status message: a human-readable sentence whose wording may change.</summary>
    public string Message { get; }

    /// <summary>
    /// The stable error code that programs branch on, in UPPER_SNAKE_CASE. Empty if the service gave none.
    /// </summary>
    public string Reason { get; private set; } = "";

    /// <summary>The service that gave the reason. Empty without a reason.</summary>
    public string Domain { get; private set; } = "";

    /// <summary>Machine-readable details, such as the actual version. Never null.</summary>
    public IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>The invalid fields of the request. Never null.</summary>
    public IReadOnlyList<FieldFault> FieldViolations => fieldViolations;

    /// <summary>The conditions that do not hold. Never null.</summary>
    public IReadOnlyList<PreconditionFault> PreconditionViolations => preconditionViolations;

    /// <summary>The delay before a retry that the service requires, zero or more; null if it gave none.</summary>
    public TimeSpan? RetryDelay { get; private set; }

    /// <summary>The resource that the error is about; null if the service did not name one.</summary>
    public ErrorResource? Resource { get; private set; }

    /// <summary>
    /// Whether the same request can succeed later without a change: the engine's reason is a retryable one, the service
    /// gave a <see cref="RetryDelay"/>, or the service was not reached (UNAVAILABLE, or a broken connection). After a
    /// broken connection it is unknown whether the request was executed, so retry only queries and commands with a
    /// command id. RESOURCE_EXHAUSTED alone is not retryable: a message over the size limit has that status, too.
    /// </summary>
    public bool IsRetryable =>
        StatusCode == StatusCode.Unavailable || IsBrokenTransport || RetryDelay is not null
        || RetryableReasons.Contains(Reason, StringComparer.Ordinal);

    private bool IsBrokenTransport { get; }

    /// <summary>Reads the details of a failed call. Never throws because of what the service sent.</summary>
    /// <exception cref="ArgumentNullException">No exception was given.</exception>
    public static RichError From(RpcException exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        var error = new RichError(exception);
        try
        {
            foreach (var detail in exception.Trailers.GetRpcStatus(ignoreParseError: true)?.Details ?? [])
            {
                error.Take(detail);
            }
        }
        catch (InvalidProtocolBufferException)
        {
            // The details are optional: keep what could be read before the damage.
        }

        return error;
    }

    private void Take(Any detail)
    {
        if (detail.TryUnpack<ErrorInfo>(out var info))
        {
            Reason = info.Reason;
            Domain = info.Domain;
            foreach (var (key, value) in info.Metadata)
            {
                metadata[key] = value;
            }
        }
        else if (detail.TryUnpack<BadRequest>(out var badRequest))
        {
            fieldViolations.AddRange(badRequest.FieldViolations.Select(violation => new FieldFault(violation.Field, violation.Description)));
        }
        else if (detail.TryUnpack<PreconditionFailure>(out var failure))
        {
            preconditionViolations.AddRange(failure.Violations.Select(
                violation => new PreconditionFault(violation.Type, violation.Subject, violation.Description)));
        }
        else if (detail.TryUnpack<ResourceInfo>(out var resource))
        {
            Resource = new ErrorResource(resource.ResourceType, resource.ResourceName);
        }
        else if (detail.TryUnpack<RetryInfo>(out var retry))
        {
            RetryDelay = ToTimeSpan(retry.RetryDelay);
        }
    }

    private static TimeSpan? ToTimeSpan(Duration? duration)
    {
        try
        {
            return duration?.ToTimeSpan() is { } delay && delay >= TimeSpan.Zero ? delay : null;
        }
        catch (InvalidOperationException)
        {
            // Seconds and nanoseconds are out of range or have different signs.
            return null;
        }
    }
}
