using Grpc.Core;

namespace GrpcCqrs.Client;

/// <summary>
/// Gives calls read-your-writes and monotonic reads within a session, without a token in any request. It keeps the
/// latest consistency token of all responses, which comes in the trailing metadata, and sends it with each call as a
/// header; a query then waits until the read model has reached it.
/// <list type="number">
/// <item>A query sees every command of the session that completed before the query started, and never an older state
/// than an earlier completed query.</item>
/// <item>Concurrent calls do not see each other.</item>
/// <item>Streaming calls send the token but do not update it.</item>
/// </list>
/// All clients created with <see cref="Intercept(ChannelBase)"/> share the session. All members are thread-safe. A
/// session is for one store.
/// </summary>
public sealed class ConsistencySession
{
    /// <summary>The trailing metadata of responses with the token, and the request header that sends it.</summary>
    public const string TokenName = "grpccqrs-consistency-token";

    private readonly Lock gate = new();
    private string token = "";

    /// <summary>Starts a session.</summary>
    /// <param name="token">The token to start from, such as that of a web session; null or empty for none.</param>
    /// <exception cref="ArgumentException">It is not a token, or its format is unknown to this version.</exception>
    public ConsistencySession(string? token = null) => this.token = ConsistencyToken.Latest(token, null);

    /// <summary>
    /// The latest token of the session, to continue it elsewhere; the empty string before the first response.
    /// </summary>
    public string Token
    {
        get
        {
            lock (gate)
            {
                return token;
            }
        }
    }

    /// <summary>Adds a token from elsewhere, such as from another process that acts for the same user.</summary>
    /// <exception cref="ArgumentException">It is not a token, or its format is unknown to this version.</exception>
    public void Observe(string? other)
    {
        lock (gate)
        {
            token = ConsistencyToken.Latest(token, other);
        }
    }

    /// <summary>The invoker to create clients with whose calls belong to the session.</summary>
    public CallInvoker Intercept(ChannelBase channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        return Intercept(channel.CreateCallInvoker());
    }

    /// <summary>The same on top of other interceptors.</summary>
    public CallInvoker Intercept(CallInvoker invoker)
    {
        ArgumentNullException.ThrowIfNull(invoker);
        return new SessionInvoker(this, invoker);
    }

    private void Answered(Metadata trailers)
    {
        if (trailers.GetValue(TokenName) is not { Length: > 0 } answered)
        {
            return;
        }

        lock (gate)
        {
            // A service newer than this client may issue tokens that cannot be compared. Then the latest response's
            // token is the best one to send.
            token = ConsistencyToken.Read(answered) is { } position && ConsistencyToken.Read(token) > position ? token : answered;
        }
    }

    private CallOptions WithToken(CallOptions options)
    {
        var current = Token;
        if (current.Length == 0)
        {
            return options;
        }

        // Do not modify the caller's metadata: it may be reused for the next call. A token set by the caller is kept.
        var headers = new Metadata();
        foreach (var entry in options.Headers ?? [])
        {
            headers.Add(entry);
        }

        if (headers.Get(TokenName) is null)
        {
            headers.Add(TokenName, current);
        }

        return options.WithHeaders(headers);
    }

    /// <summary>
    /// An invoker instead of an Interceptor, which never sees the trailing metadata of a blocking call.
    /// </summary>
    private sealed class SessionInvoker(ConsistencySession session, CallInvoker inner) : CallInvoker
    {
        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        {
            using var call = inner.AsyncUnaryCall(method, host, session.WithToken(options), request);
            var response = call.ResponseAsync.ConfigureAwait(false).GetAwaiter().GetResult();
            session.Answered(call.GetTrailers());
            return response;
        }

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        {
            var call = inner.AsyncUnaryCall(method, host, session.WithToken(options), request);
            return new AsyncUnaryCall<TResponse>(
                LearnAsync(call),
                static running => ((AsyncUnaryCall<TResponse>)running).ResponseHeadersAsync,
                static running => ((AsyncUnaryCall<TResponse>)running).GetStatus(),
                static running => ((AsyncUnaryCall<TResponse>)running).GetTrailers(),
                static running => ((AsyncUnaryCall<TResponse>)running).Dispose(),
                call);
        }

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
            inner.AsyncServerStreamingCall(method, host, session.WithToken(options), request);

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) =>
            inner.AsyncClientStreamingCall(method, host, session.WithToken(options));

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) =>
            inner.AsyncDuplexStreamingCall(method, host, session.WithToken(options));

        private async Task<TResponse> LearnAsync<TResponse>(AsyncUnaryCall<TResponse> call)
        {
            var response = await call.ResponseAsync.ConfigureAwait(false);
            session.Answered(call.GetTrailers());
            return response;
        }
    }
}
