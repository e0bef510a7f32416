using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.DependencyInjection;

namespace GrpcCqrs.Storage.Tests;

/// <summary>A clock that stands still until it is set; its timers are the system's.</summary>
public sealed class SteppedClock(DateTimeOffset start) : TimeProvider
{
    private long ticks = start.UtcTicks;

    public override DateTimeOffset GetUtcNow() => new(Volatile.Read(ref ticks), TimeSpan.Zero);

    public void Step(TimeSpan by) => Interlocked.Add(ref ticks, by.Ticks);
}

internal static class Overrides
{
    public static IServiceCollection AddClock(this IServiceCollection services, TimeProvider clock) => services.AddSingleton(clock);

    public static AuditEntry AuditEntry(this CommandContext context) => new()
    {
        ReceivedAt = context.ReceivedAt,
        CommandType = "Test",
        CommandId = context.CommandId,
        User = context.User,
        Outcome = CommandOutcome.Appended,
    };
}
