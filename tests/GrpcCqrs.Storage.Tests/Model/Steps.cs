using FsCheck;
using FsCheck.Fluent;

namespace GrpcCqrs.Storage.Tests.Model;

/// <summary>What an append expects, in words that mean something whatever the state.</summary>
public enum Expectation
{
    Any,
    None,
    Current,
    Stale,
}

/// <summary>Where a transaction is cut off by a crash.</summary>
public enum CrashPoint
{
    BeforeLock,
    BeforeWrite,
    BeforeCommit,
    AfterCommit,
}

/// <summary>One step of a scenario.</summary>
public abstract record Step;

/// <summary>An append to one of a few streams, perhaps with one of a few command ids, perhaps claiming or freeing one of a few keys.</summary>
public sealed record AppendStep(int Stream, Expectation Expected, int Events, int? Command, int? Claim, int? Release) : Step;

/// <summary>Several appends at once.</summary>
public sealed record RaceStep(IReadOnlyList<AppendStep> Appends) : Step
{
    public override string ToString() => $"Race [{string.Join("; ", Appends)}]";
}

/// <summary>An append whose transaction is cut off, and a restart.</summary>
public sealed record CrashStep(CrashPoint Point, AppendStep Append) : Step;

/// <summary>A restart in good order.</summary>
public sealed record RestartStep : Step;

/// <summary>Random scenarios, which shrink by leaving steps out.</summary>
public static class Scenarios
{
    private const int Streams = 3;
    private const int Commands = 5;
    private const int Keys = 2;
    private const int MaxSteps = 25;

    public static Arbitrary<Step[]> Arbitrary { get; } = Arb.From(
        Gen.Choose(1, MaxSteps).SelectMany(count => Gen.ArrayOf(AnyStep(), count)),
        steps => steps.Index().Select(left => steps.Where((_, index) => index != left.Index).ToArray()));

    private static Gen<AppendStep> Append() =>
        from stream in Gen.Choose(0, Streams - 1)
        from expected in Gen.Elements(Expectation.Any, Expectation.Any, Expectation.None, Expectation.Current, Expectation.Current, Expectation.Stale)
        from events in Gen.Choose(0, 3)
        from command in Gen.Choose(-Commands, Commands - 1)
        from claim in Gen.Choose(-2 * Keys, Keys - 1)
        from release in Gen.Choose(-2 * Keys, Keys - 1)
        select new AppendStep(stream, expected, events, Optional(command), Optional(claim), Optional(release));

    private static Gen<Step> AnyStep() => Gen.Frequency(
        (6, Append().Select(append => (Step)append)),
        (3, Gen.Choose(2, 8).SelectMany(count => Gen.ArrayOf(Append(), count)).Select(appends => (Step)new RaceStep(appends))),
        (1, from point in Gen.Elements(Enum.GetValues<CrashPoint>()) from append in Append() select (Step)new CrashStep(point, append)),
        (1, Gen.Constant((Step)new RestartStep())));

    private static int? Optional(int value) => value < 0 ? null : value;
}
