namespace StandIns.Tests;

/// <summary>Which packages this build runs on.</summary>
internal static class Build
{
    /// <summary>The reason to skip what is about the stand-ins themselves, or null when they are in use.</summary>
#if STAND_INS
    internal const string? NoStandIns = null;
#else
    internal const string? NoStandIns = "The real packages are in use.";
#endif
}
