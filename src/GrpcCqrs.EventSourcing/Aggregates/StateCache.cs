using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.EventSourcing;

/// <summary>Limits of the cache of folded states. Configuration section <c>States</c>.</summary>
public sealed class StateCacheOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "States";

    /// <summary>
    /// The maximum memory for cached states in bytes, by their own estimate. The least recently used states are evicted
    /// first. 0 disables the cache. Default 64 MiB.
    /// </summary>
    [Range(0, long.MaxValue)]
    public long MaxCacheBytes { get; set; } = 64L * 1024 * 1024;
}

/// <summary>
/// Caches folded states, so that a command on a busy aggregate does not have to read its stream. States are immutable
/// and the append still checks the version, so a stale entry only costs a retry. Thread-safe.
/// </summary>
internal sealed class StateCache(IOptions<StateCacheOptions> options)
{
    private readonly long maxBytes = options.Value.MaxCacheBytes;
    private readonly Dictionary<StreamId, LinkedListNode<Entry>> entries = [];
    private readonly LinkedList<Entry> byUse = new();
    private readonly Lock gate = new();
    private long bytes;

    /// <summary>The size of the cached states in bytes, by their own estimate.</summary>
    public long Bytes => Volatile.Read(ref bytes);

    public Loaded<TAggregate>? Find<TAggregate>(StreamId stream)
        where TAggregate : class
    {
        lock (gate)
        {
            if (!entries.TryGetValue(stream, out var node))
            {
                return null;
            }

            byUse.Remove(node);
            byUse.AddFirst(node);
            return node.Value.State as Loaded<TAggregate>;
        }
    }

    /// <summary>Caches a state, unless a newer one of the same stream is cached.</summary>
    public void Put<TAggregate>(StreamId stream, Loaded<TAggregate> state, long approximateBytes)
        where TAggregate : class
    {
        if (approximateBytes > maxBytes)
        {
            return;
        }

        lock (gate)
        {
            if (entries.TryGetValue(stream, out var old))
            {
                if (old.Value.Version > state.Version)
                {
                    return;
                }

                Remove(old);
            }

            entries.Add(stream, byUse.AddFirst(new Entry(stream, state, state.Version, approximateBytes)));
            bytes += approximateBytes;
            while (bytes > maxBytes)
            {
                Remove(byUse.Last!);
            }
        }
    }

    private void Remove(LinkedListNode<Entry> node)
    {
        entries.Remove(node.Value.Stream);
        byUse.Remove(node);
        bytes -= node.Value.Bytes;
    }

    private sealed record Entry(StreamId Stream, object State, long Version, long Bytes);
}
