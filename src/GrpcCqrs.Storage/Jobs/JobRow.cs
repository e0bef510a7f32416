namespace GrpcCqrs.Storage.Jobs;

/// <summary>A job's record.</summary>
internal sealed class JobRow
{
    /// <summary>The id.</summary>
    public Guid Id { get; set; }

    /// <summary>The kind.</summary>
    public required string Kind { get; set; }

    /// <summary>The arguments as JSON.</summary>
    public required string Arguments { get; set; }

    /// <summary>The user who started it.</summary>
    public required string User { get; set; }

    /// <summary>When it was started.</summary>
    public long CreatedMicroseconds { get; set; }

    /// <summary>The <see cref="JobState"/> as a number.</summary>
    public int State { get; set; }

    /// <summary>How often it was started or resumed.</summary>
    public int Attempts { get; set; }

    /// <summary>The process that runs it; empty for none.</summary>
    public required string Owner { get; set; }

    /// <summary>The fencing token.</summary>
    public long Fence { get; set; }

    /// <summary>The runner's heartbeat.</summary>
    public long Beat { get; set; }

    /// <summary>How much is done.</summary>
    public long Done { get; set; }

    /// <summary>How much there is to do.</summary>
    public long Total { get; set; }

    /// <summary>What it is doing, or its result.</summary>
    public required string Message { get; set; }

    /// <summary>Where it resumes.</summary>
    public string? ResumeFrom { get; set; }

    /// <summary>The user who requested its cancellation.</summary>
    public string? CancelledBy { get; set; }

    /// <summary>When the record last changed.</summary>
    public long UpdatedMicroseconds { get; set; }

    /// <summary>When it ended; 0 if it has not.</summary>
    public long EndedMicroseconds { get; set; }
}
