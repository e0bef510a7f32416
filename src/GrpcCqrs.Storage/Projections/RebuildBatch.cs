using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage.Projections;

/// <summary>
/// Events that several generations read together; they are then written one generation after the other.
/// </summary>
internal sealed class RebuildBatch(List<GenerationBatch> sets, long to, bool isShort, long begun)
{
    public List<GenerationBatch> Sets { get; } = sets;

    public long After { get; } = sets[0].State.Position;

    /// <summary>The last position that it may include.</summary>
    public long To { get; } = to;

    public bool IsShort { get; } = isShort;

    public long Begun { get; } = begun;

    /// <summary>The last position read.</summary>
    public long Position { get; set; }

    public required Task<(EventPage Page, Task<EventEnvelope[]> Events)> Next { get; set; }

    /// <summary>Whether it is ready to be written.</summary>
    public bool IsFull { get; set; }

    /// <summary>Whether it reached the end of the log.</summary>
    public bool IsAtEnd { get; set; }

    public int MostRows { get; set; }

    public TimeSpan Longest { get; set; }
}
