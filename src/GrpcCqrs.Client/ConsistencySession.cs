using Grpc.Core;

namespace GrpcCqrs.Client;

/// <summary>
/// Makes calls see what earlier calls of the same session have seen or done, without a token in any request. It remembers the latest
/// consistency token of all answers, which come in the trailing metadata, and sends it with each call as a header; a query then
/// waits until the read model has come that far.
/// <list type="number">
/// <item>A query sees every command that was answered within the session before the query began, and never an older state than a query
/// that was answered before.</item>
/// <item>Of calls under way at the same time, none sees the others.</item>
/// <item>Streaming calls send the token but are not learned from.</item>
/// </list>
/// All clients made with <see cref="Intercept(ChannelBase)"/> share the session; all members may be used by all threads at once. One
/// session is for one store.
/// </summary>
public sealed class ConsistencySession
{
    /// <summary>The trailing metadata of answers that the token is taken from, and the header of requests that it is sent as.</summary>
    public const string TokenName = "grpccqrs-consistency-token";

    private readonly Lock gate = new();
    private string token = "";

    /// <summary>Begins a session.</summary>
    /// <param name="token">What it has seen already, such as the token of a web session; null or empty for nothing.</param>
    /// <exception cref="ArgumentException">It is no token, or one of a format that this version does not know.</exception>
    public ConsistencySession(string? token = null) => this.token = ConsistencyToken.Latest(token, null);

    /// <summary>The latest token of the session, to go on with elsewhere; the empty text before the first answer.</summary>
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

    /// <summary>Takes a token that came another way, such as from another process that acts for the same user.</summary>
    /// <exception cref="ArgumentException">It is no token, or one of a format that this version does not know.</exception>
    public void Observe(string? other)
    {
        lock (gate)
        {
            token = ConsistencyToken.Latest(token, other);
        }
    }

    /// <summary>What to make clients with whose calls belong to the session.</summary>
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
            // A service newer than this client may seal tokens that cannot be compared; the newest answer's is then the best to send.
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

        // The caller's metadata is the caller's: it may be used for the next call too. A token that the caller sends itself stays.
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
    /// An invoker rather than an Interceptor, since an Interceptor never sees the trailing metadata of a blocking call.
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
