namespace GrpcCqrs.Storage;

/// <summary>Wakes the projection runner: by each commit of this process, and by whoever else has reason to.</summary>
public sealed class CommitSignal
{
    private readonly SemaphoreSlim wake = new(0, 1);
    private long committed;

    /// <summary>The newest position that this process has seen with a commit of its own; 0 before the first.</summary>
    public long LastCommitted => Volatile.Read(ref committed);

    /// <summary>Says that there is something to do. Cheap, and without effect where that was said already.</summary>
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

    /// <summary>Says that events up to a position are committed.</summary>
    internal void Committed(long position)
    {
        if (position > Volatile.Read(ref committed))
        {
            Volatile.Write(ref committed, position);
            Wake();
        }
    }

    /// <summary>Waits until there is something to do, or for as long as given.</summary>
    internal Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => wake.WaitAsync(atMost, cancellationToken);
}
