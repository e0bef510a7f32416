using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Hosting;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>What a refused call said: the status and the google.rpc details behind it.</summary>
internal sealed record Refusal(StatusCode Status, string Message, Google.Rpc.Status Rich)
{
    public ErrorInfo Info => Detail<ErrorInfo>() ?? new ErrorInfo();

    /// <summary>The stable code.</summary>
    public string Reason => Info.Reason;

    public IReadOnlyList<string> Fields => [.. (Detail<BadRequest>()?.FieldViolations ?? []).Select(violation => violation.Field)];

    /// <summary>The refusal of a call that must fail.</summary>
    public static async Task<Refusal> OfAsync<TResponse>(AsyncUnaryCall<TResponse> call)
    {
        using (call)
        {
            return Of(await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync));
        }
    }

    /// <summary>The refusal of a call that may fail; null where it succeeded.</summary>
    public static async Task<Refusal?> OrNullAsync<TResponse>(AsyncUnaryCall<TResponse> call)
    {
        using (call)
        {
            try
            {
                await call.ResponseAsync;
                return null;
            }
            catch (RpcException exception)
            {
                return Of(exception);
            }
        }
    }

    public static Refusal Of(RpcException exception) =>
        new(exception.StatusCode, exception.Status.Detail, exception.GetRpcStatus() ?? new Google.Rpc.Status());

    public TDetail? Detail<TDetail>()
        where TDetail : class, IMessage<TDetail>, new() =>
        Rich.Details.SingleOrDefault(any => any.Is(new TDetail().Descriptor))?.Unpack<TDetail>();

    /// <summary>Demands this row of the error table and, where given, exactly these fields at fault.</summary>
    public Refusal Is(ErrorCode code, params string[] fields)
    {
        Assert.Equal((code.Reason, ErrorStatus.CodeOf(code.Kind)), (Reason, Status));
        Assert.Equal(("blog", (int)Status, Message), (Info.Domain, Rich.Code, Rich.Message));
        if (fields.Length > 0)
        {
            Assert.Equal(fields, Fields);
        }

        return this;
    }
}
