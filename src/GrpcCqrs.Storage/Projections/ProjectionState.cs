using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>How a projection is doing.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">The version of its logic.</param>
/// <param name="Position">The last event that it has seen.</param>
/// <param name="FailedAttempts">How often the next event has failed in a row; 0 where it is well.</param>
/// <param name="LastError">The last failure's type and message, for operators; null where it is well.</param>
/// <param name="ProgressTime">When it last moved or had nothing to do.</param>
public sealed record ProjectionStatus(
    string Name, int Version, long Position, int FailedAttempts, string? LastError, DateTimeOffset ProgressTime);

/// <summary>Tells how the projections are doing.</summary>
public interface IProjectionMonitor
{
    /// <summary>One status a projection; empty until the runner has read its checkpoints.</summary>
    IReadOnlyList<ProjectionStatus> Current { get; }
}

/// <summary>What the runner knows of one projection. Only the runner's loop changes it.</summary>
internal sealed class ProjectionState(IProjection projection, long position, int batchLimit, DateTimeOffset now)
{
    private readonly Dictionary<Type, bool> handles = [];

    public IProjection Projection { get; } = projection;

    public long Position { get; private set; } = position;

    /// <summary>How many events are tried at once: few while it fails, to come as close to the bad event as possible.</summary>
    public int BatchLimit { get; private set; } = batchLimit;

    public int FailedAttempts { get; private set; }

    public DateTimeOffset NextAttempt { get; private set; }

    private string? LastError { get; set; }

    private DateTimeOffset ProgressTime { get; set; } = now;

    public ProjectionStatus Status => new(Projection.Name, Projection.Version, Position, FailedAttempts, LastError, ProgressTime);

    public bool Handles(object @event)
    {
        var type = @event.GetType();
        if (!handles.TryGetValue(type, out var isHandled))
        {
            handles[type] = isHandled = Projection.Handles.Any(handled => handled.IsAssignableFrom(type));
        }

        return isHandled;
    }

    public void MovedTo(long newPosition, int maxBatch, DateTimeOffset time)
    {
        Position = newPosition;
        FailedAttempts = 0;
        LastError = null;
        BatchLimit = Math.Min(BatchLimit * 2, maxBatch);
        ProgressTime = time;
    }

    public void HadNothingToDo(DateTimeOffset time) => ProgressTime = time;

    /// <summary>Cuts the batch to a single event at once; from then on waits longer at each failure.</summary>
    public void Failed(Exception exception, int batchCount, ProjectionOptions options, DateTimeOffset time)
    {
        LastError = $"{exception.GetType().Name}: {exception.Message}";
        BatchLimit = 1;
        if (batchCount == 1)
        {
            FailedAttempts++;
            var wait = options.RetryDelay * Math.Pow(2, Math.Min(FailedAttempts - 1, 20));
            NextAttempt = time + (wait < options.MaxRetryDelay ? wait : options.MaxRetryDelay);
        }
    }
}
