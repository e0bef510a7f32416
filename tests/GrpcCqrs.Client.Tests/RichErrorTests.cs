using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Hosting;
using Xunit;

namespace GrpcCqrs.Client.Tests;

/// <summary>The client reads what the server's own error mapping writes, and survives everything else.</summary>
public sealed class RichErrorTests
{
    private static readonly ErrorCode Closed = new("SHOP_CLOSED", ErrorKind.FailedPrecondition, false, "The shop is closed.");

    [Fact]
    public void Field_violations_are_read()
    {
        var error = RichError.From(ErrorStatus.ToRpcException(
            RejectedException.Invalid(new FieldViolation("title", "Must not be blank."), new FieldViolation("tags[2]", "Too long.")), "shop"));

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Equal("INVALID_FIELDS", error.Reason);
        Assert.Equal("shop", error.Domain);
        Assert.Equal([new FieldFault("title", "Must not be blank."), new FieldFault("tags[2]", "Too long.")], error.FieldViolations);
        Assert.False(error.IsRetryable);
    }

    [Fact]
    public void Metadata_and_the_resource_are_read()
    {
        var error = RichError.From(ErrorStatus.ToRpcException(
            new RejectedException(EngineErrors.WrongExpectedVersion, "It is at 7.")
            {
                Subject = "posts/1", Facts = new Dictionary<string, string>(StringComparer.Ordinal) { ["actual_version"] = "7" },
            },
            "shop"));

        Assert.Equal(new ErrorResource("posts", "posts/1"), error.Resource);
        Assert.Equal("7", error.Metadata["actual_version"]);
        Assert.Equal("It is at 7.", error.Message);
    }

    [Fact]
    public void Preconditions_are_read()
    {
        var error = RichError.From(ErrorStatus.ToRpcException(new RejectedException(Closed, "Come tomorrow.") { Subject = "shops/1" }, "shop"));

        Assert.Equal([new PreconditionFault("SHOP_CLOSED", "shops/1", "Come tomorrow.")], error.PreconditionViolations);
    }

    [Fact]
    public void What_the_engine_calls_retryable_is_retryable_and_nothing_else()
    {
        foreach (var code in EngineErrors.All)
        {
            var error = RichError.From(ErrorStatus.ToRpcException(new RejectedException(code, "No."), "shop"));
            Assert.True(code.Retryable == error.IsRetryable, code.Reason);
        }
    }

    [Fact]
    public void The_retry_delay_is_read_and_makes_an_unknown_reason_retryable()
    {
        var error = RichError.From(ErrorStatus.ToRpcException(
            new RejectedException(Closed, "Come soon.") { RetryAfter = TimeSpan.FromMilliseconds(250) }, "shop"));

        Assert.Equal(TimeSpan.FromMilliseconds(250), error.RetryDelay);
        Assert.True(error.IsRetryable);
    }

    [Fact]
    public void An_error_without_details_has_its_status_only()
    {
        var error = RichError.From(new RpcException(new Grpc.Core.Status(StatusCode.Internal, "Sorry.")));

        Assert.Equal((StatusCode.Internal, "Sorry.", "", ""), (error.StatusCode, error.Message, error.Reason, error.Domain));
        Assert.Empty(error.FieldViolations);
        Assert.Null(error.RetryDelay);
        Assert.Null(error.Resource);
        Assert.False(error.IsRetryable);
    }

    [Fact]
    public void Unavailability_and_a_broken_connection_are_retryable_without_details()
    {
        Assert.True(RichError.From(new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, ""))).IsRetryable);
        Assert.True(RichError.From(new RpcException(new Grpc.Core.Status(StatusCode.Internal, "", new HttpRequestException("reset")))).IsRetryable);
    }

    [Fact]
    public void A_message_over_the_size_limit_is_not_retryable() =>
        Assert.False(RichError.From(new RpcException(new Grpc.Core.Status(StatusCode.ResourceExhausted, "Received message exceeds the maximum."))).IsRetryable);

    [Fact]
    public void Garbage_in_place_of_details_is_passed_over()
    {
        var error = RichError.From(WithDetails([0xFF, 0xFF, 0x01, 0x02]));

        Assert.Equal("", error.Reason);
        Assert.Equal(StatusCode.NotFound, error.StatusCode);
    }

    [Fact]
    public void What_stands_before_a_damaged_detail_is_kept()
    {
        var status = new Google.Rpc.Status();
        status.Details.Add(Any.Pack(new ErrorInfo { Reason = "SLUG_TAKEN" }));
        status.Details.Add(new Any { TypeUrl = "type.googleapis.com/google.rpc.BadRequest", Value = ByteString.CopyFrom(0x0A, 0x7F) });

        Assert.Equal("SLUG_TAKEN", RichError.From(WithDetails(status.ToByteArray())).Reason);
    }

    [Fact]
    public void Unknown_details_and_impossible_delays_are_passed_over()
    {
        var status = new Google.Rpc.Status();
        status.Details.Add(new Any { TypeUrl = "type.googleapis.com/shop.Unknown", Value = ByteString.CopyFrom(1, 2, 3) });
        status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = new Duration { Seconds = 1, Nanos = -5 } }));
        status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = new Duration { Seconds = -1 } }));

        var error = RichError.From(WithDetails(status.ToByteArray()));
        Assert.Null(error.RetryDelay);
        Assert.False(error.IsRetryable);
    }

    private static RpcException WithDetails(byte[] details) =>
        new(new Grpc.Core.Status(StatusCode.NotFound, ""), new Metadata { { "grpc-status-details-bin", details } });
}
