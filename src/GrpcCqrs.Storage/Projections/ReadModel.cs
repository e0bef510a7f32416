using System.Collections.Frozen;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.EventStore;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage.Projections;

/// <summary>
/// The live generations and their positions, and the queries that wait for a position. The projecting process publishes
/// after each commit; any other process publishes the checkpoints that it reads. Either way, what is published has been
/// committed, so a query that reads afterwards sees at least as much.
/// </summary>
internal sealed class ReadModel : IReadModel, IProjectionMonitor
{
    private readonly FrozenDictionary<string, Live> projections;
    private readonly IReadOnlyList<string> allNames;
    private readonly LinkedList<Waiter> waiting = new();
    private readonly Lock gate = new();
    private readonly CommitSignal signal;
    private readonly IOptions<ProjectionOptions> options;
    private readonly TimeProvider clock;
    private volatile FrozenDictionary<string, string> tables;
    private volatile IReadOnlyList<ProjectionStatus> current = [];

    public ReadModel(IEnumerable<IProjection> projections, CommitSignal signal, IOptions<ProjectionOptions> options, TimeProvider clock)
    {
        this.signal = signal;
        this.options = options;
        this.clock = clock;
        this.projections = projections.ToFrozenDictionary(projection => projection.Name, projection => new Live(projection), StringComparer.Ordinal);
        allNames = this.projections.Keys;
        tables = NameTables();
    }

    public IReadOnlyList<ProjectionStatus> Current => current;

    /// <summary>Whether a query is waiting, so that frequent polling pays off.</summary>
    public bool HasWaiters => waiting.Count > 0;

    /// <summary>
    /// The position that every projection has reached; <see cref="long.MaxValue"/> if there are no projections.
    /// </summary>
    public long Position => PositionOf(allNames);

    public async ValueTask<ReadView> ViewAsync(IReadOnlyCollection<string> projections, CancellationToken cancellationToken)
    {
        var names = projections.Count == 0 ? allNames : projections;
        if (PositionOf(names) < 0)
        {
            await WaitAsync(0, names, options.Value.MaxTokenWait, cancellationToken);
        }

        return View(names);
    }

    private ReadView View(IReadOnlyCollection<string> projections)
    {
        // Read the position before the tables: tables that become live later hold at least as much.
        var position = PositionOf(projections.Count == 0 ? allNames : projections);
        return new ReadView(position, tables);
    }

    public async ValueTask<ReadView> WaitForAsync(
        long position, IReadOnlyCollection<string> projections, StreamId? stream, CancellationToken cancellationToken)
    {
        var names = projections.Count == 0 ? allNames : projections;
        if (PositionOf(names) < position)
        {
            await WaitAsync(position, names, options.Value.MaxTokenWait, cancellationToken);
        }

        ThrowIfParked(position, names, stream);
        return View(names);
    }

    /// <summary>Waits without a time limit, ignoring parked events, and returns the view at that point.</summary>
    public async ValueTask<ReadView> ReachAsync(long position, IReadOnlyCollection<string> projections, CancellationToken cancellationToken)
    {
        if (PositionOf(projections) < position)
        {
            await WaitAsync(position, projections, Timeout.InfiniteTimeSpan, cancellationToken);
        }

        return View(projections);
    }

    /// <summary>Publishes committed state.</summary>
    public void Publish(IReadOnlyList<ProjectionStatus> statuses, Func<string, IReadOnlyDictionary<string, long>> parkedStreams)
    {
        lock (gate)
        {
            // Write in the reverse of the order in which readers read: a reader that sees the new position also sees
            // its tables and parked events.
            var moved = false;
            var published = new List<(Live Live, long Position)>(statuses.Count);
            foreach (var status in statuses)
            {
                if (status.State == GenerationState.Live && projections.TryGetValue(status.Name, out var live))
                {
                    moved |= live.Generation != status.Generation;
                    live.Generation = status.Generation;
                    live.Parked = status.ParkedEvents == 0 ? FrozenDictionary<string, long>.Empty : parkedStreams(status.Name).ToFrozenDictionary(StringComparer.Ordinal);
                    published.Add((live, status.Position));
                }
            }

            if (moved)
            {
                tables = NameTables();
            }

            foreach (var (live, position) in published)
            {
                live.Position = position;
            }

            current = statuses;
            for (var node = waiting.First; node is not null;)
            {
                var next = node.Next;
                if (PositionOf(node.Value.Projections) >= node.Value.Position)
                {
                    node.Value.Reached.TrySetResult();
                    waiting.Remove(node);
                }

                node = next;
            }
        }
    }

    private async ValueTask WaitAsync(long position, IReadOnlyCollection<string> names, TimeSpan atMost, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(position, names);
        LinkedListNode<Waiter> node;
        lock (gate)
        {
            if (PositionOf(names) >= position)
            {
                return;
            }

            node = waiting.AddLast(waiter);
        }

        try
        {
            signal.Wake();
            await waiter.Reached.Task.WaitAsync(atMost, clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new RejectedException(EngineErrors.ReadModelBehind, "The read model has not yet reached the consistency_token, or has no tables yet.")
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

    private void ThrowIfParked(long position, IReadOnlyCollection<string> names, StreamId? stream)
    {
        foreach (var name in names)
        {
            var parked = projections[name].Parked;
            if (parked.Count > 0 && (stream is { } one
                ? parked.TryGetValue(one.ToString(), out var first) && first <= position
                : parked.Values.Min() <= position))
            {
                throw new RejectedException(
                    EngineErrors.ProjectionParked, $"The projection {name} could not apply an event up to the consistency_token; an operator has to retry or skip it.")
                {
                    RetryAfter = options.Value.MaxRetryDelay,
                    Facts = new Dictionary<string, string>(StringComparer.Ordinal) { ["projection"] = name },
                };
            }
        }
    }

    private long PositionOf(IReadOnlyCollection<string> names)
    {
        var position = long.MaxValue;
        foreach (var name in names)
        {
            position = Math.Min(position, Find(name).Position);
        }

        return position;
    }

    private Live Find(string name) => projections.TryGetValue(name, out var live)
        ? live
        : throw new InvalidOperationException($"A query reads the projection {name}, which is not registered.");

    private FrozenDictionary<string, string> NameTables() => projections.Values
        .SelectMany(live => live.Projection.Tables, (live, table) => (table.Name, live.Generation))
        .ToFrozenDictionary(pair => pair.Name, pair => GenerationNames.NameIn(pair.Generation, pair.Name), StringComparer.Ordinal);

    private sealed class Live(IProjection projection)
    {
        /// <summary>-1 until the live generation is known.</summary>
        private long position = -1;

        public IProjection Projection { get; } = projection;

        public int Generation { get; set; }

        public long Position
        {
            get => Volatile.Read(ref position);
            set => Volatile.Write(ref position, value);
        }

        /// <summary>The position of the first parked event, by stream.</summary>
        public FrozenDictionary<string, long> Parked { get; set; } = FrozenDictionary<string, long>.Empty;
    }

    private sealed record Waiter(long Position, IReadOnlyCollection<string> Projections)
    {
        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
