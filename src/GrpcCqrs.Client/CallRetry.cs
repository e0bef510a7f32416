using Grpc.Core;

namespace GrpcCqrs.Client;

/// <summary>How often and how fast a failed call is repeated.</summary>
public sealed class CallRetryOptions
{
    /// <summary>How many times a call is made at most, the first included. 1 or more; default 6, about 3 s of waiting in all.</summary>
    public int MaxAttempts { get; init; } = 6;

    /// <summary>The wait before the second attempt; doubled before each one after it. More than zero; default 100 ms.</summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The longest wait between two attempts. At least <see cref="FirstDelay"/>; default 5 s. A service that asks for a longer wait
    /// is not asked again: its error is thrown.
    /// </summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long after the first attempt the last one may begin. Default null: only the number of attempts is bounded.</summary>
    public TimeSpan? GiveUpAfter { get; init; }
}

/// <summary>
/// Repeats unary calls that failed for a passing reason (<see cref="RichError.IsRetryable"/>). Only for calls that may be carried
/// out twice: queries, and commands that carry a command id, which the service answers the second time with the first answer.
/// Before attempt n + 1 it waits <c>FirstDelay * 2^(n-1)</c>, at most <c>MaxDelay</c>, of which a random half is left out so that
/// callers who failed together do not come back together; or the service's own RetryInfo, where that is longer. Holds no state
/// of a call and can be shared by all threads.
/// </summary>
public sealed class CallRetry
{
    private readonly CallRetryOptions options;
    private readonly TimeProvider clock;

    /// <summary>Makes a retry with bounds of its own.</summary>
    /// <param name="options">The bounds; null for the defaults.</param>
    /// <param name="clock">The clock to wait by; null for the system's.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public CallRetry(CallRetryOptions? options = null, TimeProvider? clock = null)
    {
        this.options = options ?? new CallRetryOptions();
        this.clock = clock ?? TimeProvider.System;
        ArgumentOutOfRangeException.ThrowIfLessThan(this.options.MaxAttempts, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(this.options.FirstDelay, TimeSpan.Zero, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(this.options.MaxDelay, this.options.FirstDelay, nameof(options));
    }

    /// <summary>Makes the call until it is answered, fails for good, or a bound is reached.</summary>
    /// <param name="call">
    /// Starts one attempt; every attempt must send the same request with the same command id. A deadline belongs in here, so that
    /// each attempt has its own.
    /// </param>
    /// <param name="cancellationToken">Ends the waiting between attempts, and the attempt that it is passed to.</param>
    /// <exception cref="RpcException">The call failed for good, or the last attempt failed; it is that attempt's error.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while waiting for the next attempt.</exception>
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

    /// <summary>The wait after an attempt; null where there is to be no other.</summary>
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
