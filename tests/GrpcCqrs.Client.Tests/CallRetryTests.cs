using Grpc.Core;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Hosting;
using Xunit;

namespace GrpcCqrs.Client.Tests;

public sealed class CallRetryTests
{
    private static readonly RpcException Unavailable = new(new Status(StatusCode.Unavailable, "Nobody there."));
    private static readonly RpcException NotFound = new(new Status(StatusCode.NotFound, "No such thing."));

    private readonly InstantClock clock = new();
    private int attempts;

    [Fact]
    public async Task A_passing_failure_is_repeated_until_there_is_an_answer()
    {
        Assert.Equal("done", await new CallRetry(clock: clock).SendAsync(FailTimes(3, Unavailable)));
        Assert.Equal(4, attempts);
        Assert.Equal(3, clock.Waits.Count);
    }

    [Fact]
    public async Task A_lasting_failure_is_thrown_at_once()
    {
        var thrown = await Assert.ThrowsAsync<RpcException>(() => new CallRetry(clock: clock).SendAsync(FailTimes(1, NotFound)));
        Assert.Same(NotFound, thrown);
        Assert.Equal(1, attempts);
    }

    [Fact]
    public async Task The_number_of_attempts_is_bounded()
    {
        var retry = new CallRetry(new CallRetryOptions { MaxAttempts = 4 }, clock);
        Assert.Same(Unavailable, await Assert.ThrowsAsync<RpcException>(() => retry.SendAsync(FailTimes(99, Unavailable))));
        Assert.Equal(4, attempts);
    }

    [Fact]
    public async Task Waits_double_up_to_the_longest_and_leave_a_random_half_out()
    {
        var retry = new CallRetry(
            new CallRetryOptions { MaxAttempts = 8, FirstDelay = TimeSpan.FromMilliseconds(100), MaxDelay = TimeSpan.FromSeconds(1) }, clock);
        await Assert.ThrowsAsync<RpcException>(() => retry.SendAsync(FailTimes(99, Unavailable)));

        int[] longest = [100, 200, 400, 800, 1000, 1000, 1000];
        Assert.Equal(longest.Length, clock.Waits.Count);
        Assert.All(clock.Waits.Zip(longest), pair => Assert.InRange(pair.First.TotalMilliseconds, (pair.Second / 2) - 1, pair.Second));
    }

    [Fact]
    public async Task The_wait_is_at_least_what_the_service_asks_for()
    {
        await new CallRetry(clock: clock).SendAsync(FailTimes(1, Full(TimeSpan.FromSeconds(3))));
        Assert.Equal([TimeSpan.FromSeconds(3)], clock.Waits);
    }

    [Fact]
    public async Task A_service_that_asks_for_a_longer_wait_than_allowed_is_not_asked_again()
    {
        await Assert.ThrowsAsync<RpcException>(() => new CallRetry(clock: clock).SendAsync(FailTimes(1, Full(TimeSpan.FromHours(1)))));
        Assert.Equal(1, attempts);
    }

    [Fact]
    public async Task No_attempt_begins_after_the_time_to_give_up()
    {
        var retry = new CallRetry(new CallRetryOptions { MaxAttempts = 1_000, GiveUpAfter = TimeSpan.FromSeconds(30) }, clock);
        await Assert.ThrowsAsync<RpcException>(() => retry.SendAsync(FailTimes(int.MaxValue, Unavailable)));
        Assert.InRange(clock.Waits.Sum(wait => wait.TotalSeconds), 20, 30);
    }

    [Fact]
    public async Task Cancelling_ends_the_wait()
    {
        using var cancellation = new CancellationTokenSource();
        var retry = new CallRetry(new CallRetryOptions { FirstDelay = TimeSpan.FromHours(1), MaxDelay = TimeSpan.FromHours(1) });
        var sending = retry.SendAsync(FailTimes(99, Unavailable), cancellation.Token);
        Assert.False(sending.IsCompleted);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.Equal(1, attempts);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new CallRetry(new CallRetryOptions { MaxAttempts = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CallRetry(new CallRetryOptions { FirstDelay = TimeSpan.Zero }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CallRetry(new CallRetryOptions { MaxDelay = TimeSpan.FromMilliseconds(1) }));
    }

    private static RpcException Full(TimeSpan retryAfter) =>
        ErrorStatus.ToRpcException(new RejectedException(EngineErrors.WriteQueueFull, "Full.") { RetryAfter = retryAfter }, "shop");

    private Func<CancellationToken, AsyncUnaryCall<string>> FailTimes(int times, RpcException failure) => _ => new AsyncUnaryCall<string>(
        ++attempts <= times ? Task.FromException<string>(failure) : Task.FromResult("done"),
        Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { });
}
