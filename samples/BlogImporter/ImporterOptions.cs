namespace BlogImporter;

/// <summary>What the command line asks for.</summary>
internal sealed record ImporterOptions
{
    /// <summary>Where the service serves gRPC.</summary>
    public required Uri Server { get; init; }

    /// <summary>How many posts are worked on at the same time.</summary>
    public int Parallel { get; init; } = 8;

    /// <summary>How long a call is repeated while the service does not answer.</summary>
    public TimeSpan RetryFor { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Leaves posts as drafts; otherwise each is published right after it was created.</summary>
    public bool LeaveDrafts { get; init; }

    /// <summary>Reads every post back and compares.</summary>
    public bool Verify { get; init; }

    /// <summary>Of how many posts every version is read back.</summary>
    public int VerifyHistories { get; init; }

    /// <summary>Prints nothing but what went wrong.</summary>
    public bool Quiet { get; init; }
}
