using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace GrpcCqrs.Client;

/// <summary>A field of the request that is at fault.</summary>
/// <param name="Field">The field's path as the proto names it, such as <c>title</c> or <c>tags[2]</c>.</param>
/// <param name="Description">What to change, in a sentence.</param>
public sealed record FieldFault(string Field, string Description);

/// <summary>A condition of the service's state that does not hold.</summary>
/// <param name="Type">The condition's name, in UPPER_SNAKE_CASE.</param>
/// <param name="Subject">What it is about, such as <c>posts/0199…</c>; empty where there is no single thing.</param>
/// <param name="Description">What is wrong, in a sentence.</param>
public sealed record PreconditionFault(string Type, string Subject, string Description);

/// <summary>The resource that an error is about.</summary>
/// <param name="Type">The kind of resource, such as <c>posts</c>.</param>
/// <param name="Name">Its name, such as <c>posts/0199…</c>.</param>
public sealed record ErrorResource(string Type, string Name);

/// <summary>
/// What a failed call says about itself, typed: the google.rpc details of the trailer <c>grpc-status-details-bin</c>. An error
/// without details, or with details that cannot be read, has the status code and the message and nothing else.
/// </summary>
public sealed class RichError
{
    /// <summary>The engine's reasons under which the same request can succeed later without any change by the caller.</summary>
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

    /// <summary>The status message: a sentence for people, whose wording may change.</summary>
    public string Message { get; }

    /// <summary>Why the call failed, stable and in UPPER_SNAKE_CASE: what programs branch on. Empty where the service gave none.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>Who gave the reason: the service's name. Empty without a reason.</summary>
    public string Domain { get; private set; } = "";

    /// <summary>Facts for programs, such as the actual version. Never null.</summary>
    public IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>The fields of the request that are at fault. Never null.</summary>
    public IReadOnlyList<FieldFault> FieldViolations => fieldViolations;

    /// <summary>The conditions that do not hold. Never null.</summary>
    public IReadOnlyList<PreconditionFault> PreconditionViolations => preconditionViolations;

    /// <summary>How long the service asks to wait before the call is repeated; null where it did not ask, zero or more otherwise.</summary>
    public TimeSpan? RetryDelay { get; private set; }

    /// <summary>What the error is about; null where the service did not say.</summary>
    public ErrorResource? Resource { get; private set; }

    /// <summary>
    /// Whether the same request can succeed later without any change: the engine says so by its reason, the service says so by
    /// a <see cref="RetryDelay"/>, or the service was not reached (UNAVAILABLE, or a connection that broke). A broken connection
    /// leaves open whether the request was carried out, so repeat only queries and commands that carry a command id.
    /// RESOURCE_EXHAUSTED by itself is not retryable: a message over the size limit has that status, too.
    /// </summary>
    public bool IsRetryable =>
        StatusCode == StatusCode.Unavailable || IsBrokenTransport || RetryDelay is not null
        || RetryableReasons.Contains(Reason, StringComparer.Ordinal);

    private bool IsBrokenTransport { get; }

    /// <summary>Reads the details of a failed call. Never fails on what the service sent.</summary>
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
            // Details help but do not decide: what could be read before the damage stays.
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
            // Seconds and nanoseconds out of their ranges, or of different signs.
            return null;
        }
    }
}
