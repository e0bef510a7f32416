namespace GrpcCqrs.Storage.EventStore;

/// <summary>
/// Wakes the waiters for new events, such as the projection runner and the event feed: on each commit of this process,
/// and on other triggers. Each waiter has its own signal, so none consumes another's; a signal that arrives while a
/// waiter is busy is kept.
/// </summary>
internal sealed class CommitSignal
{
    private readonly Lock registering = new();
    private readonly CommitWaiter first;
    private CommitWaiter[] waiters;
    private long committed;

    /// <summary>A signal without registered waiters.</summary>
    public CommitSignal() => waiters = [first = new CommitWaiter(_ => { })];

    /// <summary>The newest position committed by this process; 0 before its first commit.</summary>
    public long LastCommitted => Volatile.Read(ref committed);

    /// <summary>Wakes all waiters. Cheap; has no effect on a waiter that is already signalled.</summary>
    public void Wake()
    {
        foreach (var waiter in Volatile.Read(ref waiters))
        {
            waiter.Wake();
        }
    }

    /// <summary>Signals that events up to a position are committed.</summary>
    internal void Committed(long position)
    {
        if (position > Volatile.Read(ref committed))
        {
            Volatile.Write(ref committed, position);
            Wake();
        }
    }

    /// <summary>
    /// Registers another waiter. It starts signalled, so that it misses no earlier event. Dispose it to unregister.
    /// </summary>
    internal CommitWaiter Register()
    {
        var waiter = new CommitWaiter(Leave);
        waiter.Wake();
        lock (registering)
        {
            Volatile.Write(ref waiters, [.. waiters, waiter]);
        }

        return waiter;
    }

    /// <summary>Waits, as the first waiter, until signalled or until the given time has passed.</summary>
    internal Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => first.WaitAsync(atMost, cancellationToken);

    private void Leave(CommitWaiter waiter)
    {
        lock (registering)
        {
            Volatile.Write(ref waiters, [.. waiters.Where(other => other != waiter)]);
        }
    }
}

/// <summary>A waiter for commits. Used by one caller at a time.</summary>
internal sealed class CommitWaiter(Action<CommitWaiter> leave) : IDisposable
{
    // Never disposed: a concurrent wake-up may still use it, and without a wait handle it holds no resources.
    private readonly SemaphoreSlim wake = new(0, 1);

    public void Wake()
    {
        if (wake.CurrentCount == 0)
        {
            try
            {
                wake.Release();
            }
            catch (SemaphoreFullException)
            {
                // Another thread has signalled it in the meantime.
            }
        }
    }

    /// <summary>
    /// Waits until signalled or until the given time has passed; returns at once if signalled since the last wait.
    /// </summary>
    public Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => wake.WaitAsync(atMost, cancellationToken);

    public void Dispose() => leave(this);
}
