namespace TestRun;

/// <summary>How long a test waits for what must happen. It is a bound against hanging and no claim about speed.</summary>
internal static class Patience
{
    /// <summary>Two minutes: other builds beside the tests make everything several times slower.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>The same as the deadline of a call.</summary>
    public static DateTime Deadline => TimeProvider.System.GetUtcNow().UtcDateTime + Limit;
}
