namespace GrpcCqrs.EventSourcing;

/// <summary>
/// Lets those who decide on one stream do it one behind the other. Streams share a fixed number of turns, so that memory stays
/// bounded; it orders callers of one process and protects nothing: the append does.
/// </summary>
internal sealed class StreamTurns
{
    /// <summary>Few streams are contended at a time; two that share a turn only wait for each other.</summary>
    private const int Count = 64;

    private readonly SemaphoreSlim[] gates = [.. Enumerable.Range(0, Count).Select(_ => new SemaphoreSlim(1))];

    /// <summary>Waits for the turn; disposing gives it on.</summary>
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
