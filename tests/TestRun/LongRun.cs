namespace TestRun;

/// <summary>
/// The switch between the two sizes of a test run. The tests that take minutes (kills, failover, rebuilds under load, foreign
/// clients) run where <c>GRPCCQRS_LONG</c> is <c>1</c>, as <c>.ci/run</c> sets it, and are skipped visibly elsewhere.
/// </summary>
internal static class LongRun
{
    private const string Variable = "GRPCCQRS_LONG";

    /// <summary>Whether the long tests run.</summary>
    public static bool IsOn => Environment.GetEnvironmentVariable(Variable) == "1";

    /// <summary>Why a long test is skipped; null where it runs.</summary>
    public static string? SkipReason => IsOn ? null : $"Takes long; runs with {Variable}=1.";
}
