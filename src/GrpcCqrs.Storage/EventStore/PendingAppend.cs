using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>An append that waits for its result: queued, then either started or cancelled.</summary>
internal sealed class PendingAppend
{
    private const int Queued = 0;
    private const int Started = 1;
    private const int Cancelled = 2;

    private readonly TaskCompletionSource<AppendResult> completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int state = Queued;

    public PendingAppend(AppendRequest request)
    {
        Request = request;
        foreach (var @event in request.Events)
        {
            Bytes += @event.Payload.Length;
        }
    }

    public AppendRequest Request { get; }

    /// <summary>The size of its payloads in memory, in bytes.</summary>
    public long Bytes { get; }

    public Task<AppendResult> Result => completion.Task;

    /// <summary>
    /// The result in the current transaction; published by <see cref="Complete"/> once it is durable.
    /// </summary>
    public AppendResult? Reached { get; set; }

    public bool TryStart() => Interlocked.CompareExchange(ref state, Started, Queued) == Queued;

    public void TryCancel()
    {
        if (Interlocked.CompareExchange(ref state, Cancelled, Queued) == Queued)
        {
            completion.TrySetCanceled();
        }
    }

    public void Complete() => completion.TrySetResult(Reached!);

    public void Fail(Exception exception) => completion.TrySetException(exception);
}
