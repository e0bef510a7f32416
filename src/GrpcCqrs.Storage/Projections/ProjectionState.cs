using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.Projections;

/// <summary>The status of one generation of a projection.</summary>
/// <param name="Name">The projection's name.</param>
/// <param name="Generation">The generation's number.</param>
/// <param name="State">The generation's state.</param>
/// <param name="Version">The version of the logic that filled it.</param>
/// <param name="Position">The position of the last event applied.</param>
/// <param name="FailedAttempts">How often the next event has failed in a row; 0 if it is healthy.</param>
/// <param name="LastError">The type and message of the last failure, for operators; null if it is healthy.</param>
/// <param name="ProgressTime">When it last advanced or had nothing to do.</param>
public sealed record ProjectionStatus(
    string Name, int Generation, GenerationState State, int Version, long Position, int FailedAttempts, string? LastError, DateTimeOffset ProgressTime)
{
    /// <summary>The number of its parked events.</summary>
    public long ParkedEvents { get; init; }

    /// <summary>For a generation that is being filled: the newest position when that began. Otherwise 0.</summary>
    public long Target { get; init; }

    /// <summary>Recent throughput in events per second; 0 if there is none or it is unknown.</summary>
    public double EventsPerSecond { get; init; }

    /// <summary>A note for operators; null for none.</summary>
    public string? Note { get; init; }
}

/// <summary>Reports the status of the projections.</summary>
public interface IProjectionMonitor
{
    /// <summary>One status for each generation in use; empty until the checkpoints have been read.</summary>
    IReadOnlyList<ProjectionStatus> Current { get; }
}

/// <summary>The runner's state of one generation. Only the runner's loop changes it.</summary>
internal sealed class ProjectionState(IProjection projection, GenerationRow row, TimeProvider clock)
{
    /// <summary>The most memory that one generation may keep across batches.</summary>
    private const long MaxKeptBytes = 16 * 1024 * 1024;

    /// <summary>The factor by which a large batch shrinks when it fails.</summary>
    private const int Narrowing = 8;

    private readonly Dictionary<Type, bool> handles = [];
    private readonly RateMeter rate = new(clock);

    public IProjection Projection { get; } = projection;

    public string Name => Projection.Name;

    public int Generation { get; } = row.Generation;

    public GenerationState State { get; set; } = row.State;

    public int Version { get; } = row.Version;

    /// <summary>The names of its tables, without the generation.</summary>
    public IReadOnlyList<string> Tables { get; } = row.Tables;

    public bool HoldsOnDifference { get; } = row.HoldsOnDifference;

    public long Target { get; } = row.Target;

    public string? Note { get; set; } = row.Note;

    public long Position { get; private set; } = row.Position;

    public DateTimeOffset StateTime { get; set; } = row.StateTime;

    /// <summary>The most events in a batch: reduced while it fails, to isolate the failing event.</summary>
    public int BatchLimit { get; private set; } = int.MaxValue;

    public int FailedAttempts { get; private set; }

    public DateTimeOffset NextAttempt { get; private set; }

    public string? LastError { get; private set; }

    /// <summary>The streams with parked events: the position of the first, and the count.</summary>
    public Dictionary<string, (long First, long Count)> Parked { get; } = new(StringComparer.Ordinal);

    /// <summary>
    /// The cached state of the tables. Null if it must be read from them: nothing was applied yet, something failed, or
    /// the tables were written other than by a batch.
    /// </summary>
    public IProjectionBatch? Batch { get; set; }

    private DateTimeOffset ProgressTime { get; set; } = clock.GetUtcNow();

    /// <summary>
    /// Whether events are applied to it: this version of the logic filled it, and it is neither paused nor dropped.
    /// </summary>
    public bool IsFed => Version == Projection.Version && State is GenerationState.Live or GenerationState.Previous or GenerationState.Building or GenerationState.AwaitingApproval;

    public ProjectionStatus Status => new(Name, Generation, State, Version, Position, FailedAttempts, LastError, ProgressTime)
    {
        ParkedEvents = Parked.Values.Sum(stream => stream.Count),
        Target = Target,
        EventsPerSecond = rate.PerSecond,
        Note = Note,
    };

    /// <summary>Whether the projection folds this stream.</summary>
    public bool HasStreamsOf(string category) => Projection.Category is null || Projection.Category == category;

    public bool Handles(EventEnvelope envelope)
    {
        if (!HasStreamsOf(envelope.Record.Stream.Category))
        {
            return false;
        }

        var type = envelope.Event.GetType();
        if (!handles.TryGetValue(type, out var isHandled))
        {
            handles[type] = isHandled = Projection.Handles.Any(handled => handled.IsAssignableFrom(type));
        }

        return isHandled;
    }

    public void MovedTo(long newPosition)
    {
        // Bounds the cache; otherwise a generation could grow without limit when few of its many streams change.
        if (Batch?.Bytes > MaxKeptBytes)
        {
            Batch = null;
        }

        rate.Add(newPosition - Position);
        Position = newPosition;
        FailedAttempts = 0;
        LastError = null;
        BatchLimit = BatchLimit > int.MaxValue / 2 ? int.MaxValue : BatchLimit * 2;
        ProgressTime = clock.GetUtcNow();
    }

    public void MarkCaughtUp() => ProgressTime = clock.GetUtcNow();

    /// <summary>
    /// Cuts the batch to a single event, in steps for a large batch of a rebuild; then waits longer after each failure.
    /// </summary>
    public void Failed(Exception exception, int batchCount, ProjectionOptions options)
    {
        LastError = ErrorText.Of(exception);
        Batch = null;
        BatchLimit = batchCount > options.BatchSize ? batchCount / Narrowing : 1;
        if (batchCount == 1)
        {
            FailedAttempts++;
            NextAttempt = clock.GetUtcNow() + Backoff.After(FailedAttempts, options.RetryDelay, options.MaxRetryDelay);
        }
    }

    public void TryAtOnce() => NextAttempt = default;
}

/// <summary>Events per second over the last few seconds.</summary>
internal sealed class RateMeter(TimeProvider clock)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(2);

    private long since = clock.GetTimestamp();
    private long count;
    private double last;

    public double PerSecond => clock.GetElapsedTime(since) > 2 * Window ? 0 : last;

    public void Add(long events)
    {
        count += events;
        var elapsed = clock.GetElapsedTime(since);
        if (elapsed >= Window)
        {
            last = count / elapsed.TotalSeconds;
            count = 0;
            since = clock.GetTimestamp();
        }
        else if (last == 0 && elapsed > TimeSpan.Zero)
        {
            last = count / elapsed.TotalSeconds;
        }
    }
}
