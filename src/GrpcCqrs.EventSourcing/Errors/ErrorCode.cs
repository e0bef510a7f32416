namespace GrpcCqrs.EventSourcing;

/// <summary>What sort of error it is; each maps to one gRPC status.</summary>
public enum ErrorKind
{
    /// <summary>The request is malformed, whatever the state: INVALID_ARGUMENT.</summary>
    InvalidArgument,

    /// <summary>What the request is about does not exist: NOT_FOUND.</summary>
    NotFound,

    /// <summary>What the request would create exists: ALREADY_EXISTS.</summary>
    AlreadyExists,

    /// <summary>The state forbids it, and repeating will not help: FAILED_PRECONDITION.</summary>
    FailedPrecondition,

    /// <summary>Another change came first; read again and decide again: ABORTED.</summary>
    Aborted,

    /// <summary>A bound was reached; repeat after the delay given: RESOURCE_EXHAUSTED.</summary>
    ResourceExhausted,

    /// <summary>The service cannot answer right now; repeat: UNAVAILABLE.</summary>
    Unavailable,
}

/// <summary>One row of the error table.</summary>
/// <param name="Reason">Stable, UPPER_SNAKE_CASE; what clients branch on.</param>
/// <param name="Kind">The sort of error.</param>
/// <param name="Retryable">Whether the same request can succeed later without any change by the caller.</param>
/// <param name="Meaning">One sentence for the documentation.</param>
public sealed record ErrorCode(string Reason, ErrorKind Kind, bool Retryable, string Meaning);

/// <summary>What is wrong with one field of a request.</summary>
/// <param name="Field">The field's path as the proto names it, such as <c>title</c> or <c>tags[2]</c>.</param>
/// <param name="Description">What to change, in a sentence.</param>
public sealed record FieldViolation(string Field, string Description);

/// <summary>
/// A request refused for a reason that the caller is told. Everything else that is thrown is the service's own fault and is
/// answered with INTERNAL and a reference number, never with its text.
/// </summary>
public sealed class RejectedException(ErrorCode code, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The row of the error table.</summary>
    public ErrorCode Code { get; } = code;

    /// <summary>The fields at fault, for <see cref="ErrorKind.InvalidArgument"/>.</summary>
    public IReadOnlyList<FieldViolation> Fields { get; init; } = [];

    /// <summary>What the error is about, such as <c>posts/0199…</c>; null where there is no single thing.</summary>
    public string? Subject { get; init; }

    /// <summary>Facts for programs, such as the actual version.</summary>
    public IReadOnlyDictionary<string, string> Facts { get; init; } = NoFacts;

    /// <summary>How long to wait before repeating; null where repeating does not help or the caller chooses.</summary>
    public TimeSpan? RetryAfter { get; init; }

    private static readonly IReadOnlyDictionary<string, string> NoFacts = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>A request with fields at fault.</summary>
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
