using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Hosting;

/// <summary>Makes the context of a command from a gRPC call.</summary>
public sealed class CallContexts(TimeProvider clock)
{
    /// <summary>The request header that names the conversation. Default: the trace id of the call.</summary>
    public const string CorrelationHeader = "grpccqrs-correlation-id";

    /// <summary>The request header that names what caused the command. Default: the command id.</summary>
    public const string CausationHeader = "grpccqrs-causation-id";

    private const int MaxHeaderLength = 128;
    private const string Anonymous = "anonymous";

    /// <summary>The context of a command.</summary>
    /// <param name="request">The whole request; a hash of it tells a repetition from a reuse of the command id.</param>
    /// <param name="commandId">The caller's command id; empty for none.</param>
    /// <param name="expectedVersion">The version that the caller expects; null for any.</param>
    /// <param name="call">The call.</param>
    /// <exception cref="RejectedException">The command id is no UUID, the version is negative, or a header is malformed.</exception>
    public CommandContext ForCommand(IMessage request, string commandId, long? expectedVersion, ServerCallContext call)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(commandId);
        ArgumentNullException.ThrowIfNull(call);
        var now = clock.GetUtcNow();
        var isIdempotent = commandId.Length > 0;
        var id = isIdempotent ? ParseCommandId(commandId) : Guid.CreateVersion7(now);
        if (expectedVersion < 0)
        {
            throw RejectedException.Invalid(new FieldViolation("expected_version", "Must be 0 or more; leave it out to expect nothing."));
        }

        return new CommandContext
        {
            CommandId = id,
            RequestHash = isIdempotent ? HashOf(call.Method, request) : null,
            ExpectedVersion = expectedVersion is { } version ? ExpectedVersion.Exactly(version) : ExpectedVersion.Any,
            User = call.GetHttpContext().User.Identity is { IsAuthenticated: true, Name: { Length: > 0 } name } ? name : Anonymous,
            CorrelationId = Header(call, CorrelationHeader) ?? Activity.Current?.TraceId.ToHexString() ?? id.ToString("D"),
            CausationId = Header(call, CausationHeader) ?? id.ToString("D"),
            ReceivedAt = now,
        };
    }

    private static Guid ParseCommandId(string commandId) =>
        Guid.TryParseExact(commandId, "D", out var id) && id != Guid.Empty
            ? id
            : throw RejectedException.Invalid(new FieldViolation("command_id", "Must be a UUID; leave it out for a command that is not repeated."));

    private static byte[] HashOf(string method, IMessage request)
    {
        var methodLength = Encoding.UTF8.GetByteCount(method);
        var input = new byte[methodLength + request.CalculateSize()];
        Encoding.UTF8.GetBytes(method, input);
        request.WriteTo(input.AsSpan(methodLength));
        return SHA256.HashData(input);
    }

    private static string? Header(ServerCallContext call, string name)
    {
        var value = call.RequestHeaders.GetValue(name);
        if (string.IsNullOrEmpty(value))
        {
            return null;
        }

        return value.Length <= MaxHeaderLength && value.All(c => c is >= ' ' and <= '~')
            ? value
            : throw RejectedException.Invalid(new FieldViolation($"header {name}", $"Must be at most {MaxHeaderLength} printable ASCII characters."));
    }
}
