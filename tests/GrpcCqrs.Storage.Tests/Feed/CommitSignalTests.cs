using GrpcCqrs.Storage.EventStore;
using Xunit;

namespace GrpcCqrs.Storage.Tests;

/// <summary>That a wake-up reaches every waiter, busy ones too.</summary>
public sealed class CommitSignalTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task A_commit_wakes_every_waiter_and_none_takes_anothers_wake_up()
    {
        var signal = new CommitSignal();
        using var one = await NewWaiterAsync(signal);
        using var two = await NewWaiterAsync(signal);
        Task[] waiting = [signal.WaitAsync(Long, None), one.WaitAsync(Long, None), two.WaitAsync(Long, None)];
        Assert.All(waiting, task => Assert.False(task.IsCompleted));

        signal.Committed(1);

        await Task.WhenAll(waiting);
        Assert.Equal(1, signal.LastCommitted);
    }

    [Fact]
    public async Task A_wake_up_that_comes_while_a_waiter_is_busy_is_kept_for_it_once()
    {
        var signal = new CommitSignal();
        using var busy = await NewWaiterAsync(signal);
        signal.Wake();
        signal.Wake();

        Assert.True(busy.WaitAsync(Long, None).IsCompletedSuccessfully);
        Assert.False(busy.WaitAsync(Long, None).IsCompleted);
        Assert.True(signal.WaitAsync(Long, None).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task No_wake_up_is_missed_while_waiters_come_and_go()
    {
        const int Commits = 20_000;
        var signal = new CommitSignal();
        using var limit = new CancellationTokenSource(Long);
        var seen = new long[4];
        var waiters = Enumerable.Range(0, seen.Length).Select(number => Task.Run(async () =>
        {
            while (seen[number] < Commits)
            {
                using var waiter = signal.Register();
                for (var turn = 0; turn < 10 && seen[number] < Commits; turn++)
                {
                    // Without a time limit of its own: a wake-up that is missed would hang here.
                    await waiter.WaitAsync(Timeout.InfiniteTimeSpan, limit.Token);
                    seen[number] = signal.LastCommitted;
                }
            }
        })).ToArray();
        for (var position = 1; position <= Commits; position++)
        {
            signal.Committed(position);
        }

        await Task.WhenAll(waiters);
        Assert.All(seen, last => Assert.Equal(Commits, last));
    }

    /// <summary>A waiter that has used up the wake-up that it begins with.</summary>
    private static async Task<CommitWaiter> NewWaiterAsync(CommitSignal signal)
    {
        var waiter = signal.Register();
        await waiter.WaitAsync(Long, None);
        return waiter;
    }
}
