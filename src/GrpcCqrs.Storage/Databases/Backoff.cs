namespace GrpcCqrs.Storage.Databases;

/// <summary>Delays between attempts that double with each failure.</summary>
internal static class Backoff
{
    /// <summary>The delay after a number of failures in a row.</summary>
    /// <param name="failures">The number of failures; at least 1.</param>
    /// <param name="first">The delay after the first one.</param>
    /// <param name="longest">The longest delay.</param>
    public static TimeSpan After(int failures, TimeSpan first, TimeSpan longest)
    {
        var delay = first * Math.Pow(2, Math.Min(failures - 1, 20));
        return delay < longest ? delay : longest;
    }
}
