using GrpcCqrs.Hosting.Health;
using GrpcCqrs.Storage.Projections;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Xunit;

namespace GrpcCqrs.Hosting.Tests.Health;

/// <summary>What becomes of the health when tables stand still, fail or wait for an operator.</summary>
public sealed class ReadModelHealthTests
{
    private const long Head = 100;

    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan MaxStall = TimeSpan.FromSeconds(30);

    [Fact]
    public void Live_tables_at_the_newest_event_are_healthy_however_long_ago_they_moved() =>
        Is(HealthStatus.Healthy, "0 events behind", Set(GenerationState.Live, Head, idle: TimeSpan.FromDays(1)));

    [Fact]
    public void Live_tables_that_are_behind_are_healthy_while_they_move() =>
        Is(HealthStatus.Healthy, "90 events behind", Set(GenerationState.Live, 10, idle: MaxStall));

    [Fact]
    public void Live_tables_that_stand_still_behind_the_newest_event_are_unhealthy() =>
        Is(HealthStatus.Unhealthy, "books stands at 99 of 100", Set(GenerationState.Live, 99, idle: MaxStall + TimeSpan.FromTicks(1)));

    [Fact]
    public void Live_tables_ahead_of_the_log_are_unhealthy() =>
        Is(HealthStatus.Unhealthy, "was replaced", Set(GenerationState.Live, 101));

    [Fact]
    public void Before_the_first_checkpoint_is_read_the_health_is_degraded() =>
        Is(HealthStatus.Degraded, "not started");

    [Theory]
    [InlineData(GenerationState.Previous)]
    [InlineData(GenerationState.Building)]
    [InlineData(GenerationState.Paused)]
    [InlineData(GenerationState.Dropped)]
    public void Tables_that_nobody_reads_may_stand_still_anywhere(GenerationState state)
    {
        Is(HealthStatus.Healthy, "0 events behind", Set(GenerationState.Live, Head), Set(state, 1, idle: TimeSpan.FromDays(1)));
        Is(HealthStatus.Healthy, "0 events behind", Set(GenerationState.Live, Head), Set(state, 101));
    }

    [Fact]
    public void Parked_events_degrade_and_say_how_many() =>
        Is(HealthStatus.Degraded, "books has 3 parked events", Set(GenerationState.Live, Head) with { ParkedEvents = 3 });

    [Fact]
    public void Held_tables_degrade() =>
        Is(HealthStatus.Degraded, "The rebuilt tables of books differ", Set(GenerationState.Live, Head), Set(GenerationState.AwaitingApproval, Head));

    [Theory]
    [InlineData(GenerationState.Live)]
    [InlineData(GenerationState.Building)]
    public void Failing_tables_degrade(GenerationState state)
    {
        var failing = Set(state, Head - 1) with { FailedAttempts = 2, LastError = "Thirteen." };
        Is(HealthStatus.Degraded, "has failed 2 times", state == GenerationState.Live ? [failing] : [Set(GenerationState.Live, Head), failing]);
    }

    [Fact]
    public void Tables_of_an_old_version_may_stand_still_while_those_of_the_new_one_are_filled()
    {
        var old = Set(GenerationState.Live, 50, idle: TimeSpan.FromHours(1));
        Is(HealthStatus.Degraded, "filled by its new version", old, Set(GenerationState.Building, 10) with { Version = 2 });
        Is(HealthStatus.Unhealthy, "books stands at 50", old, Set(GenerationState.Building, 10, idle: TimeSpan.FromHours(1)) with { Version = 2 });
        Is(HealthStatus.Unhealthy, "books stands at 50", old, Set(GenerationState.Building, 10));
    }

    private static ProjectionStatus Set(GenerationState state, long position, TimeSpan idle = default) =>
        new("books", state == GenerationState.Live ? 0 : 1, state, 1, position, 0, null, Now - idle);

    private static void Is(HealthStatus expected, string saying, params ProjectionStatus[] sets)
    {
        var result = ReadModelHealthCheck.Judge(sets, Head, Now, MaxStall);
        Assert.Equal(expected, result.Status);
        Assert.Contains(saying, result.Description, StringComparison.Ordinal);
    }
}
