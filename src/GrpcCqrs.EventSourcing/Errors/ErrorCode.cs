namespace GrpcCqrs.EventSourcing;

/// <summary>The kind of an error. Each maps to one gRPC status.</summary>
public enum ErrorKind
{
    /// <summary>The request is malformed, regardless of the state: INVALID_ARGUMENT.</summary>
    InvalidArgument,

    /// <summary>The target of the request does not exist: NOT_FOUND.</summary>
    NotFound,

    /// <summary>The resource to create already exists: ALREADY_EXISTS.</summary>
    AlreadyExists,

    /// <summary>The current state does not allow it, and a retry will not help: FAILED_PRECONDITION.</summary>
    FailedPrecondition,

    /// <summary>A concurrent change came first; read again and decide again: ABORTED.</summary>
    Aborted,

    /// <summary>A limit was reached; retry after the given delay: RESOURCE_EXHAUSTED.</summary>
    ResourceExhausted,

    /// <summary>The service cannot answer now; retry: UNAVAILABLE.</summary>
    Unavailable,
}

/// <summary>One row of the error table.</summary>
/// <param name="Reason">The stable code that clients branch on, in UPPER_SNAKE_CASE.</param>
/// <param name="Kind">The kind of error.</param>
/// <param name="Retryable">Whether the same request can succeed later without a change by the caller.</param>
/// <param name="Meaning">One sentence for the documentation.</param>
public sealed record ErrorCode(string Reason, ErrorKind Kind, bool Retryable, string Meaning);

/// <summary>A problem with one field of a request.</summary>
/// <param name="Field">The field's path in the proto, such as <c>title</c> or <c>tags[2]</c>.</param>
/// <param name="Description">What to change, in a sentence.</param>
public sealed record FieldViolation(string Field, string Description);

/// <summary>
/// A request was rejected for a reason that is returned to the caller. Any other exception is the service's own fault
/// and is returned as INTERNAL with a reference number, never with its message.
/// </summary>
public sealed class RejectedException(ErrorCode code, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The row of the error table.</summary>
    public ErrorCode Code { get; } = code;

    /// <summary>The invalid fields, for <see cref="ErrorKind.InvalidArgument"/>.</summary>
    public IReadOnlyList<FieldViolation> Fields { get; init; } = [];

    /// <summary>The subject of the error, such as <c>posts/0199…</c>; null if there is no single one.</summary>
    public string? Subject { get; init; }

    /// <summary>Machine-readable details, such as the actual version.</summary>
    public IReadOnlyDictionary<string, string> Facts { get; init; } = NoFacts;

    /// <summary>
    /// How long to wait before a retry; null if a retry does not help or the caller chooses the delay.
    /// </summary>
    public TimeSpan? RetryAfter { get; init; }

    private static readonly IReadOnlyDictionary<string, string> NoFacts = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>A request with invalid fields.</summary>
    public static RejectedException Invalid(params IReadOnlyList<FieldViolation> fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        return new RejectedException(
            EngineErrors.InvalidFields, string.Join(' ', fields.Select(field => $"{field.Field}: {field.Description}")))
        {
            Fields = fields,
        };
    }
}
