using System.Buffers.Text;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using Xunit;

namespace GrpcCqrs.Client.Tests;

/// <summary>Tokens that the engine seals, compared and carried by the client.</summary>
public sealed class ConsistencySessionTests
{
    private static readonly ConsistencyTokens Store = NewStore();
    private static readonly Method<string, string> Method = new(
        MethodType.Unary, "shop", "Ask", Marshallers.StringMarshaller, Marshallers.StringMarshaller);

    [Theory]
    [InlineData(1, 2)]
    [InlineData(255, 256)]
    [InlineData(0, long.MaxValue)]
    public void The_later_token_is_the_one_with_the_larger_position(long earlier, long later)
    {
        var (first, second) = (Store.Write(earlier), Store.Write(later));
        Assert.Equal(second, ConsistencyToken.Latest(first, second));
        Assert.Equal(second, ConsistencyToken.Latest(second, first));
        Assert.Equal(second, ConsistencyToken.Latest(second, second));
    }

    [Fact]
    public void No_token_is_earlier_than_any()
    {
        var token = Store.Write(0);
        Assert.Equal(token, ConsistencyToken.Latest(null, token));
        Assert.Equal(token, ConsistencyToken.Latest(token, ""));
        Assert.Equal("", ConsistencyToken.Latest(null, ""));
    }

    [Theory]
    [InlineData("no token")]
    [InlineData("=")]
    [InlineData("AQAA")]
    [InlineData("AQAAAAAAAAADzvWKCkIQhyMoqf86ozy6gQAA")]
    public void What_is_no_token_is_refused_on_either_side(string malformed)
    {
        var token = Store.Write(3);
        Assert.Throws<ArgumentException>("a", () => ConsistencyToken.Latest(malformed, token));
        Assert.Throws<ArgumentException>("b", () => ConsistencyToken.Latest(token, malformed));
        Assert.Throws<ArgumentException>("a", () => ConsistencyToken.Latest(malformed, null));
    }

    [Fact]
    public void A_token_of_a_later_format_is_refused()
    {
        var bytes = Base64Url.DecodeFromChars(Store.Write(3));
        bytes[0]++;
        Assert.Contains("format", Assert.Throws<ArgumentException>(() => ConsistencyToken.Latest(Base64Url.EncodeToString(bytes), null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_sends_the_latest_token_of_all_answers()
    {
        var service = new Service();
        var session = new ConsistencySession();
        var invoker = session.Intercept(service);

        Assert.Null(await AskAsync(invoker, answer: 5));
        Assert.Equal(5, await AskAsync(invoker, answer: 9));
        Assert.Equal(9, await AskAsync(invoker, answer: 7));
        Assert.Equal(9, Ask(invoker, answer: 11));
        Assert.Equal(11, Ask(invoker, answer: null));
        Assert.Equal(11, await AskAsync(invoker, answer: 11));
        Assert.Equal(Store.Write(11), session.Token);
        Assert.Equal(11, await AskAsync(new ConsistencySession(session.Token).Intercept(service), answer: null));

        async Task<long?> AskAsync(CallInvoker through, long? answer)
        {
            service.Answer = answer;
            using var call = through.AsyncUnaryCall(Method, null, default, "");
            Assert.Equal("answered", await call.ResponseAsync);
            Assert.Equal(Status.DefaultSuccess, call.GetStatus());
            Assert.Equal(answer is { } position ? Store.Write(position) : null, call.GetTrailers().GetValue(ConsistencySession.TokenName));
            return service.Sent;
        }

        long? Ask(CallInvoker through, long? answer)
        {
            service.Answer = answer;
            Assert.Equal("answered", through.BlockingUnaryCall(Method, null, default, ""));
            return service.Sent;
        }
    }

    [Fact]
    public async Task A_failed_call_fails_as_it_would_without_a_session_and_teaches_nothing()
    {
        var service = new Service { Failure = new RpcException(new Status(StatusCode.NotFound, "No such thing.")), Answer = 5 };
        var session = new ConsistencySession();
        using var call = session.Intercept(service).AsyncUnaryCall(Method, null, default, "");
        Assert.Same(service.Failure, await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync));
        Assert.Same(service.Failure, Assert.Throws<RpcException>(() => session.Intercept(service).BlockingUnaryCall(Method, null, default, "")));
        Assert.Equal("", session.Token);
    }

    [Fact]
    public async Task The_callers_own_headers_are_sent_and_not_changed()
    {
        var service = new Service();
        var session = new ConsistencySession(Store.Write(5));
        var headers = new Metadata { { "tenant", "one" } };
        await session.Intercept(service).AsyncUnaryCall(Method, null, new CallOptions(headers), "");
        Assert.Equal(("one", 5L), (service.Headers!.GetValue("tenant"), service.Sent));
        Assert.Equal("tenant", Assert.Single(headers).Key);

        await session.Intercept(service).AsyncUnaryCall(Method, null, new CallOptions(new Metadata { { ConsistencySession.TokenName, Store.Write(2) } }), "");
        Assert.Equal(2, service.Sent);
        Assert.Single(service.Headers!);
    }

    [Fact]
    public async Task An_answer_of_a_format_that_is_not_known_is_sent_as_it_came()
    {
        var service = new Service { Raw = "of tomorrow" };
        var session = new ConsistencySession(Store.Write(5));
        await session.Intercept(service).AsyncUnaryCall(Method, null, default, "");
        Assert.Equal("of tomorrow", session.Token);
    }

    [Fact]
    public async Task Answers_to_many_threads_leave_the_latest_token()
    {
        var session = new ConsistencySession();
        await Parallel.ForAsync(1, 2_000, async (position, _) =>
        {
            var service = new Service { Answer = position };
            await session.Intercept(service).AsyncUnaryCall(Method, null, default, "");
            var token = session.Token;
            Assert.Equal(token, ConsistencyToken.Latest(token, Store.Write(position)));
        });
        Assert.Equal(Store.Write(1_999), session.Token);
    }

    private static ConsistencyTokens NewStore()
    {
        var identity = new StoreIdentity();
        identity.Set(Guid.CreateVersion7(), new byte[32]);
        return new ConsistencyTokens(new TokenSealer(identity));
    }

    /// <summary>The far end of a channel.</summary>
    private sealed class Service : CallInvoker
    {
        public long? Answer { get; set; }

        public string? Raw { get; init; }

        public RpcException? Failure { get; init; }

        public Metadata? Headers { get; private set; }

        public long? Sent => Headers?.GetValue(ConsistencySession.TokenName) is { } token ? Store.Read(token) : null;

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        {
            Headers = options.Headers;
            var trailers = new Metadata();
            if ((Raw ?? (Answer is { } position ? Store.Write(position) : null)) is { } token)
            {
                trailers.Add(ConsistencySession.TokenName, token);
            }

            var response = Failure is null ? Task.FromResult((TResponse)(object)"answered") : Task.FromException<TResponse>(Failure);
            return new AsyncUnaryCall<TResponse>(response, Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => trailers, () => { });
        }

        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();
    }
}
