namespace GrpcCqrs.Storage.Databases;

/// <summary>
/// Times as stored in the databases: microseconds since 1970 in UTC, as a 64-bit integer. Exact, sortable, and the same
/// on every database.
/// </summary>
public static class UnixMicroseconds
{
    /// <summary>Converts to the database's form; truncates to microseconds.</summary>
    public static long From(DateTimeOffset time) =>
        (time.UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>Converts from the database's form.</summary>
    public static DateTimeOffset ToTime(long microseconds) =>
        new(DateTime.UnixEpoch.Ticks + (microseconds * TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}
