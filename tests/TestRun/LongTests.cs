using Xunit;

namespace TestRun;

/// <summary>A test that belongs to the long run. It may skip itself as a <see cref="SkippableFactAttribute"/> may.</summary>
internal sealed class LongFactAttribute : SkippableFactAttribute
{
    public LongFactAttribute() => Skip = LongRun.SkipReason;
}

/// <summary>The same for a test with parameters.</summary>
internal sealed class LongTheoryAttribute : SkippableTheoryAttribute
{
    public LongTheoryAttribute() => Skip = LongRun.SkipReason;
}
