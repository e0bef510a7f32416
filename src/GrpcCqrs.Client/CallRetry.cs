using Grpc.Core;

namespace GrpcCqrs.Client;

/// <summary>How often and how fast a failed call is retried.</summary>
public sealed class CallRetryOptions
{
    /// <summary>
    /// The maximum number of attempts, including the first. 1 or more; default 6, about 3 s of waiting in total.
    /// </summary>
    public int MaxAttempts { get; init; } = 6;

    /// <summary>
    /// The delay before the second attempt; doubled before each further one. More than zero; default 100 ms.
    /// </summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The maximum delay between two attempts. At least <see cref="FirstDelay"/>; default 5 s. If a service requires a
    /// longer delay, the call is not retried and its error is thrown.
    /// </summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long after the first attempt the last one may start. Default null: only the number of attempts is limited.
    /// </summary>
    public TimeSpan? GiveUpAfter { get; init; }
}

/// <summary>
/// Retries unary calls that failed with a transient error (<see cref="RichError.IsRetryable"/>). Use it only for calls
/// that may be executed twice: queries, and commands with a command id, for which the service returns the first
/// response again. The delay before attempt n + 1 is <c>FirstDelay * 2^(n-1)</c>, at most <c>MaxDelay</c>, minus a
/// random part of up to half, so that callers that failed together do not retry together; or the service's own
/// RetryInfo, if that is longer. Stateless between calls and thread-safe.
/// </summary>
public sealed class CallRetry
{
    private readonly CallRetryOptions options;
    private readonly TimeProvider clock;

    /// <summary>Creates a retry with its own limits.</summary>
    /// <param name="options">The limits; null for the defaults.</param>
    /// <param name="clock">The clock for delays; null for the system clock.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public CallRetry(CallRetryOptions? options = null, TimeProvider? clock = null)
    {
        this.options = options ?? new CallRetryOptions();
        this.clock = clock ?? TimeProvider.System;
        ArgumentOutOfRangeException.ThrowIfLessThan(this.options.MaxAttempts, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(this.options.FirstDelay, TimeSpan.Zero, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(this.options.MaxDelay, this.options.FirstDelay, nameof(options));
    }

    /// <summary>Makes the call until it succeeds, fails permanently, or a limit is reached.</summary>
    /// <param name="call">
    /// Starts one attempt. Every attempt must send the same request with the same command id. Set a deadline in here,
    /// so that each attempt has its own.
    /// </param>
    /// <param name="cancellationToken">
    /// Cancels the delay between attempts, and the attempt that it is passed to.
    /// </param>
    /// <exception cref="RpcException">
    /// The call failed permanently, or the last attempt failed: the error of that attempt.
    /// </exception>
    /// <exception cref="OperationCanceledException">Cancelled during the delay before the next attempt.</exception>
    public async Task<TResponse> SendAsync<TResponse>(Func<CancellationToken, AsyncUnaryCall<TResponse>> call, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        var start = clock.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            TimeSpan delay;
            try
            {
                using var running = call(cancellationToken);
                return await running.ResponseAsync;
            }
            catch (RpcException exception) when (
                attempt < options.MaxAttempts && !cancellationToken.IsCancellationRequested
                && NextDelay(RichError.From(exception), attempt) is { } next && IsInTime(start, next))
            {
                delay = next;
            }

            await Task.Delay(delay, clock, cancellationToken);
        }
    }

    /// <summary>The delay after an attempt; null if there is no further attempt.</summary>
    private TimeSpan? NextDelay(RichError error, int attempt)
    {
        if (!error.IsRetryable || error.RetryDelay > options.MaxDelay)
        {
            return null;
        }

        var doubled = options.FirstDelay * Math.Pow(2, Math.Min(attempt - 1, 30));
        var backOff = doubled < options.MaxDelay ? doubled : options.MaxDelay;
        var jittered = backOff * (0.5 + (Random.Shared.NextDouble() / 2));
        return error.RetryDelay is { } asked && asked > jittered ? asked : jittered;
    }

    private bool IsInTime(long start, TimeSpan delay) =>
        options.GiveUpAfter is not { } limit || clock.GetElapsedTime(start) + delay <= limit;
}
