using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Hosting;

/// <summary>Makes the context of a command or a query from a gRPC call, and tells the caller which state an answer is from.</summary>
public sealed class CallContexts(ConsistencyTokens tokens, TimeProvider clock)
{
    /// <summary>The trailing metadata with the consistency token of the answer's state.</summary>
    public const string TokenTrailer = "grpccqrs-consistency-token";

    /// <summary>
    /// The trailing metadata with the position of that state; of two tokens of one store, the one with the larger position holds for
    /// both.
    /// </summary>
    public const string PositionTrailer = "grpccqrs-position";

    /// <summary>
    /// The request header with a consistency token for a query, as a session of the client sends it with each call; the later one of
    /// it and the token in the request holds.
    /// </summary>
    public const string TokenHeader = TokenTrailer;

    /// <summary>The request header that names the conversation. Default: the trace id of the call.</summary>
    public const string CorrelationHeader = "grpccqrs-correlation-id";

    /// <summary>The request header that names what caused the command. Default: the command id.</summary>
    public const string CausationHeader = "grpccqrs-causation-id";

    private const int MaxHeaderLength = 128;
    private const string Anonymous = "anonymous";

    /// <summary>Who calls; <c>anonymous</c> where the host does not authenticate callers.</summary>
    public static string UserOf(ServerCallContext call) =>
        call.GetHttpContext().User.Identity is { IsAuthenticated: true, Name: { Length: > 0 } name } ? name : Anonymous;

    /// <summary>The context of a command.</summary>
    /// <param name="request">The whole request; a hash of it tells a repetition from a reuse of the command id.</param>
    /// <param name="commandId">The caller's command id; empty for none.</param>
    /// <param name="expectedVersion">The version that the caller expects; null for any.</param>
    /// <param name="call">The call.</param>
    /// <returns>The context; what is malformed is among its violations, for the pipeline to refuse and to audit.</returns>
    public CommandContext ForCommand(IMessage request, string commandId, long? expectedVersion, ServerCallContext call)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(commandId);
        ArgumentNullException.ThrowIfNull(call);
        var now = clock.GetUtcNow();
        var violations = new List<FieldViolation>();

        // The length and the digits, since the parser trims and takes more than the standard's form.
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

            // With its type: a null array by itself would become an empty hash, and not none.
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
    /// <param name="call">The call, whose <see cref="TokenHeader"/> may hold another one.</param>
    /// <returns>The context with the later of the two.</returns>
    /// <exception cref="RejectedException"><see cref="EngineErrors.ConsistencyTokenInvalid"/>: there is a header, and one of the two is not of this store.</exception>
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

    /// <summary>Adds the state that an answer is from to the call's trailing metadata.</summary>
    /// <param name="position">The position of the last event in it.</param>
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
