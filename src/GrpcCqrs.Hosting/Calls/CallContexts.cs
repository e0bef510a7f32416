using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Hosting;

/// <summary>
/// Creates the context of a command or query from a gRPC call, and returns an answer's state to the caller.
/// </summary>
public sealed class CallContexts(ConsistencyTokens tokens, TimeProvider clock)
{
    /// <summary>The trailing metadata with the consistency token of the answer's state.</summary>
    public const string TokenTrailer = "grpccqrs-consistency-token";

    /// <summary>
    /// The trailing metadata with the position of that state. Of two tokens of one store, the one with the larger
    /// position covers both.
    /// </summary>
    public const string PositionTrailer = "grpccqrs-position";

    /// <summary>
    /// The request header with a consistency token for a query, which a client session sends with each call. If the
    /// request has a token too, the later one applies.
    /// </summary>
    public const string TokenHeader = TokenTrailer;

    /// <summary>The request header with the correlation id. Default: the trace id of the call.</summary>
    public const string CorrelationHeader = "grpccqrs-correlation-id";

    /// <summary>The request header with the causation id of the command. Default: the command id.</summary>
    public const string CausationHeader = "grpccqrs-causation-id";

    private const int MaxHeaderLength = 128;
    private const string Anonymous = "anonymous";

    /// <summary>The calling user; <c>anonymous</c> if the host does not authenticate callers.</summary>
    public static string UserOf(ServerCallContext call) =>
        call.GetHttpContext().User.Identity is { IsAuthenticated: true, Name: { Length: > 0 } name } ? name : Anonymous;

    /// <summary>The context of a command.</summary>
    /// <param name="request">
    /// The whole request. Its hash distinguishes a repetition from a reuse of the command id.
    /// </param>
    /// <param name="commandId">The caller's command id; empty for none.</param>
    /// <param name="expectedVersion">The caller's expected version; null for any.</param>
    /// <param name="call">The call.</param>
    /// <returns>The context. Malformed values become violations, for the pipeline to reject and audit.</returns>
    public CommandContext ForCommand(IMessage request, string commandId, long? expectedVersion, ServerCallContext call)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(commandId);
        ArgumentNullException.ThrowIfNull(call);
        var now = clock.GetUtcNow();
        var violations = new List<FieldViolation>();

        // Check length and digits too: the parser trims and accepts more than the standard's form.
        var isIdempotent = Guid.TryParseExact(commandId, "D", out var id) && id != Guid.Empty
            && commandId.Length == 36 && commandId.All(c => c == '-' || char.IsAsciiHexDigit(c));
        if (!isIdempotent)
        {
            Require(commandId.Length == 0, "command_id", "Must be a UUID; leave it out for a command that is not repeated.");
            id = Guid.CreateVersion7(now);
        }

        Require(expectedVersion is null or >= 0, "expected_version", "Must be 0 or more; leave it out to expect nothing.");
        return new CommandContext
        {
            CommandId = id,

            // Needs the type: an untyped null array would become an empty hash instead of none.
            RequestHash = isIdempotent ? (ReadOnlyMemory<byte>?)HashOf(call.Method, request) : null,
            ExpectedVersion = expectedVersion is { } version and >= 0 ? ExpectedVersion.Exactly(version) : ExpectedVersion.Any,
            User = UserOf(call),
            CorrelationId = Header(CorrelationHeader) ?? Activity.Current?.TraceId.ToHexString() ?? id.ToString("D"),
            CausationId = Header(CausationHeader) ?? id.ToString("D"),
            ReceivedAt = now,
            Violations = violations,
        };

        void Require(bool condition, string field, string description)
        {
            if (!condition)
            {
                violations.Add(new FieldViolation(field, description));
            }
        }

        string? Header(string name)
        {
            var value = call.RequestHeaders.GetValue(name);
            if (string.IsNullOrEmpty(value))
            {
                return null;
            }

            var isWellFormed = value.Length <= MaxHeaderLength && value.All(c => c is >= ' ' and <= '~');
            Require(isWellFormed, $"header {name}", $"Must be at most {MaxHeaderLength} printable ASCII characters.");
            return isWellFormed ? value : null;
        }
    }

    /// <summary>The context of a query.</summary>
    /// <param name="consistencyToken">The request's consistency token; empty for none.</param>
    /// <param name="call">The call. Its <see cref="TokenHeader"/> may hold another token.</param>
    /// <returns>The context with the later of the two.</returns>
    /// <exception cref="RejectedException">
    /// <see cref="EngineErrors.ConsistencyTokenInvalid"/>: there is a header, and one of the two tokens is not from
    /// this store.
    /// </exception>
    public QueryContext ForQuery(string consistencyToken, ServerCallContext call)
    {
        ArgumentNullException.ThrowIfNull(consistencyToken);
        ArgumentNullException.ThrowIfNull(call);
        if (call.RequestHeaders.GetValue(TokenHeader) is not { Length: > 0 } header)
        {
            return new QueryContext(consistencyToken);
        }

        var required = ReadHeader(header);
        return new QueryContext(consistencyToken.Length > 0 && tokens.Read(consistencyToken) > required ? consistencyToken : header);
    }

    /// <summary>Adds the state of an answer to the call's trailing metadata.</summary>
    /// <param name="position">The position of the last event included in the answer.</param>
    /// <param name="call">The call.</param>
    /// <returns>The consistency token.</returns>
    public string Answered(long position, ServerCallContext call)
    {
        ArgumentNullException.ThrowIfNull(call);
        var token = tokens.Write(position);
        call.ResponseTrailers.Add(TokenTrailer, token);
        call.ResponseTrailers.Add(PositionTrailer, position.ToString(CultureInfo.InvariantCulture));
        return token;
    }

    private long ReadHeader(string token)
    {
        try
        {
            return tokens.Read(token);
        }
        catch (RejectedException refusal)
        {
            throw new RejectedException(refusal.Code, $"The header {TokenHeader} holds no token of this store, or an altered one.", refusal)
            {
                Fields = [new FieldViolation($"header {TokenHeader}", "Must be a token that this store answered, unchanged.")],
            };
        }
    }

    private static byte[] HashOf(string method, IMessage request)
    {
        var methodLength = Encoding.UTF8.GetByteCount(method);
        var input = new byte[methodLength + request.CalculateSize()];
        Encoding.UTF8.GetBytes(method, input);
        request.WriteTo(input.AsSpan(methodLength));
        return SHA256.HashData(input);
    }
}
