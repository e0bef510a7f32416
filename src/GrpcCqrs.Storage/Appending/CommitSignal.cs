namespace GrpcCqrs.Storage;

/// <summary>
/// Wakes those who wait for events, the projection runner and the event feed: by each commit of this process, and by whoever else has
/// reason to. Each waiter has its own wake-up, so that none takes another's, and one that comes while a waiter is busy is kept for it.
/// </summary>
public sealed class CommitSignal
{
    private readonly Lock registering = new();
    private readonly CommitWaiter first;
    private CommitWaiter[] waiters;
    private long committed;

    /// <summary>A signal that nobody waits for yet.</summary>
    public CommitSignal() => waiters = [first = new CommitWaiter(_ => { })];

    /// <summary>The newest position that this process has seen with a commit of its own; 0 before the first.</summary>
    public long LastCommitted => Volatile.Read(ref committed);

    /// <summary>Says that there is something to do. Cheap, and without effect for those to whom that was said already.</summary>
    public void Wake()
    {
        foreach (var waiter in Volatile.Read(ref waiters))
        {
            waiter.Wake();
        }
    }

    /// <summary>Says that events up to a position are committed.</summary>
    internal void Committed(long position)
    {
        if (position > Volatile.Read(ref committed))
        {
            Volatile.Write(ref committed, position);
            Wake();
        }
    }

    /// <summary>Makes another waiter, which is woken once at first, so that what came before is not missed. Dispose it to leave.</summary>
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

    /// <summary>Waits, as the first waiter, until there is something to do, or for as long as given.</summary>
    internal Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => first.WaitAsync(atMost, cancellationToken);

    private void Leave(CommitWaiter waiter)
    {
        lock (registering)
        {
            Volatile.Write(ref waiters, [.. waiters.Where(other => other != waiter)]);
        }
    }
}

/// <summary>One who waits for commits. Used by one caller at a time.</summary>
internal sealed class CommitWaiter(Action<CommitWaiter> leave) : IDisposable
{
    // Not disposed: a wake-up may be under way, and without a wait handle it holds nothing.
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
                // Somebody else said so in the meantime.
            }
        }
    }

    /// <summary>Waits until it is woken, at once where it was woken since the last wait, or for as long as given.</summary>
    public Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => wake.WaitAsync(atMost, cancellationToken);

    public void Dispose() => leave(this);
}
