namespace GrpcCqrs.EventSourcing;

/// <summary>
/// Serialises decisions on the same stream within this process. Streams share a fixed number of semaphores, so memory
/// stays bounded. It only reduces conflicts; the append's version check is what protects the stream.
/// </summary>
internal sealed class StreamTurns
{
    /// <summary>Few streams are contended at a time. Two that share a semaphore only wait for each other.</summary>
    private const int Count = 64;

    private readonly SemaphoreSlim[] gates = [.. Enumerable.Range(0, Count).Select(_ => new SemaphoreSlim(1))];

    /// <summary>Waits for the stream's semaphore. Disposing the result releases it.</summary>
    public async ValueTask<IDisposable> TakeAsync(StreamId stream, CancellationToken cancellationToken)
    {
        var gate = gates[(uint)stream.GetHashCode() % Count];
        await gate.WaitAsync(cancellationToken);
        return new Turn(gate);
    }

    private sealed class Turn(SemaphoreSlim gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }
}
