using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage;

/// <summary>How far the read model has come, and who waits for it to come further.</summary>
internal sealed class ReadModelPosition(IOptions<ProjectionOptions> options, TimeProvider clock) : IReadModelPosition
{
    private readonly LinkedList<(long Position, TaskCompletionSource Reached)> waiting = new();
    private readonly Lock gate = new();
    private long current;

    public long Current => Volatile.Read(ref current);

    public async ValueTask WaitForAsync(long position, CancellationToken cancellationToken)
    {
        if (position <= Current)
        {
            return;
        }

        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        LinkedListNode<(long, TaskCompletionSource)> node;
        lock (gate)
        {
            if (position <= Current)
            {
                return;
            }

            node = waiting.AddLast((position, reached));
        }

        try
        {
            await reached.Task.WaitAsync(options.Value.MaxTokenWait, clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new RejectedException(EngineErrors.ReadModelBehind, "The read model has not yet reached the consistency_token.")
            {
                RetryAfter = options.Value.MaxTokenWait,
            };
        }
        finally
        {
            lock (gate)
            {
                if (node.List is not null)
                {
                    waiting.Remove(node);
                }
            }
        }
    }

    /// <summary>Sets the position that every projection has reached; smaller than before where a projection starts over.</summary>
    public void Set(long position)
    {
        lock (gate)
        {
            Volatile.Write(ref current, position);
            for (var node = waiting.First; node is not null;)
            {
                var next = node.Next;
                if (node.Value.Position <= position)
                {
                    node.Value.Reached.TrySetResult();
                    waiting.Remove(node);
                }

                node = next;
            }
        }
    }
}
