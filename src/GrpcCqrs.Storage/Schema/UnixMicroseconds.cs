namespace GrpcCqrs.Storage;

/// <summary>
/// Times as the databases hold them: microseconds since 1970 in UTC, in a 64-bit integer. It is exact, sorts, and means the same
/// on every database.
/// </summary>
public static class UnixMicroseconds
{
    /// <summary>To the database's form; what is finer than a microsecond is cut off.</summary>
    public static long From(DateTimeOffset time) =>
        (time.UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>From the database's form.</summary>
    public static DateTimeOffset ToTime(long microseconds) =>
        new(DateTime.UnixEpoch.Ticks + (microseconds * TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}
