namespace GrpcCqrs.EventSourcing;

/// <summary>The version (number of events) that a stream must be at before an append.</summary>
public readonly record struct ExpectedVersion
{
    private readonly long? version;

    private ExpectedVersion(long? version) => this.version = version;

    /// <summary>Any version. The default.</summary>
    public static ExpectedVersion Any => default;

    /// <summary>The stream must not exist.</summary>
    public static ExpectedVersion None => new(0);

    /// <summary>The stream must be at exactly this version; 0 is <see cref="None"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The version is negative.</exception>
    public static ExpectedVersion Exactly(long version)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(version);
        return new ExpectedVersion(version);
    }

    /// <summary>Whether any version is accepted.</summary>
    public bool IsAny => version is null;

    /// <summary>Whether a stream at this version meets the expectation.</summary>
    public bool Matches(long actual) => version is null || version == actual;

    /// <inheritdoc/>
    public override string ToString() => version switch
    {
        null => "any",
        0 => "none",
        _ => version.Value.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };
}
