using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>How one set of a projection's tables is doing.</summary>
/// <param name="Name">The projection's name.</param>
/// <param name="Generation">Which set of tables.</param>
/// <param name="State">What the set is for.</param>
/// <param name="Version">The version of the logic that filled it.</param>
/// <param name="Position">The last event that it has seen.</param>
/// <param name="FailedAttempts">How often the next event has failed in a row; 0 where it is well.</param>
/// <param name="LastError">The last failure's type and message, for operators; null where it is well.</param>
/// <param name="ProgressTime">When it last moved or had nothing to do.</param>
public sealed record ProjectionStatus(
    string Name, int Generation, GenerationState State, int Version, long Position, int FailedAttempts, string? LastError, DateTimeOffset ProgressTime)
{
    /// <summary>How many of its events are parked.</summary>
    public long ParkedEvents { get; init; }

    /// <summary>Of a set that is being filled: the newest event when that began. Else 0.</summary>
    public long Target { get; init; }

    /// <summary>Events a second of late; 0 where it stands still or that is not known.</summary>
    public double EventsPerSecond { get; init; }

    /// <summary>What an operator should know of it; null for nothing.</summary>
    public string? Note { get; init; }
}

/// <summary>Tells how the projections are doing.</summary>
public interface IProjectionMonitor
{
    /// <summary>One status a set of tables in use; empty until the checkpoints have been read.</summary>
    IReadOnlyList<ProjectionStatus> Current { get; }
}

/// <summary>What the runner knows of one set of a projection's tables. Only the runner's loop changes it.</summary>
internal sealed class ProjectionState(IProjection projection, GenerationRow row, TimeProvider clock)
{
    /// <summary>How much one set of tables may keep in memory from batch to batch.</summary>
    private const long MaxKeptBytes = 16 * 1024 * 1024;

    /// <summary>How much narrower a large batch becomes when it fails.</summary>
    private const int Narrowing = 8;

    private readonly Dictionary<Type, bool> handles = [];
    private readonly RateMeter rate = new(clock);

    public IProjection Projection { get; } = projection;

    public string Name => Projection.Name;

    public int Generation { get; } = row.Generation;

    public GenerationState State { get; set; } = row.State;

    public int Version { get; } = row.Version;

    public bool HoldsOnDifference { get; } = row.HoldsOnDifference;

    public long Target { get; } = row.Target;

    public string? Note { get; set; } = row.Note;

    public long Position { get; private set; } = row.Position;

    public DateTimeOffset StateTime { get; set; } = row.StateTime;

    /// <summary>How many events are tried at once: few while it fails, to come as close to the bad event as possible.</summary>
    public int BatchLimit { get; private set; } = int.MaxValue;

    public int FailedAttempts { get; private set; }

    public DateTimeOffset NextAttempt { get; private set; }

    public string? LastError { get; private set; }

    /// <summary>The streams with parked events: the first of them and how many.</summary>
    public Dictionary<string, (long First, long Count)> Parked { get; } = new(StringComparer.Ordinal);

    /// <summary>
    /// What is in memory of the tables. Null where they must be read: nothing was applied yet, something failed, or somebody else than a
    /// batch has written them.
    /// </summary>
    public IProjectionBatch? Batch { get; set; }

    private DateTimeOffset ProgressTime { get; set; } = clock.GetUtcNow();

    /// <summary>Whether events are to be applied to it: the tables were filled by this version of the logic and nobody has stopped it.</summary>
    public bool IsFed => Version == Projection.Version && State is GenerationState.Live or GenerationState.Previous or GenerationState.Building or GenerationState.AwaitingApproval;

    public ProjectionStatus Status => new(Name, Generation, State, Version, Position, FailedAttempts, LastError, ProgressTime)
    {
        ParkedEvents = Parked.Values.Sum(stream => stream.Count),
        Target = Target,
        EventsPerSecond = rate.PerSecond,
        Note = Note,
    };

    public bool Handles(object @event)
    {
        var type = @event.GetType();
        if (!handles.TryGetValue(type, out var isHandled))
        {
            handles[type] = isHandled = Projection.Handles.Any(handled => handled.IsAssignableFrom(type));
        }

        return isHandled;
    }

    public void MovedTo(long newPosition)
    {
        // Bounds what is kept, so that a set of tables that few streams of many change does not take more and more.
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
    /// Cuts the batch to a single event, at once unless it was a large one of a rebuild; from then on waits longer at each failure.
    /// </summary>
    public void Failed(Exception exception, int batchCount, ProjectionOptions options)
    {
        LastError = Describe(exception);
        Batch = null;
        BatchLimit = batchCount > options.BatchSize ? batchCount / Narrowing : 1;
        if (batchCount == 1)
        {
            FailedAttempts++;
            var wait = options.RetryDelay * Math.Pow(2, Math.Min(FailedAttempts - 1, 20));
            NextAttempt = clock.GetUtcNow() + (wait < options.MaxRetryDelay ? wait : options.MaxRetryDelay);
        }
    }

    public void TryAtOnce() => NextAttempt = default;

    public static string Describe(Exception exception) => $"{exception.GetType().Name}: {exception.Message}";
}

/// <summary>Events a second over the last seconds.</summary>
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
