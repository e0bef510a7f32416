namespace GrpcCqrs.Client.Tests;

/// <summary>A clock by which every wait is over at once, and remembered.</summary>
internal sealed class InstantClock : TimeProvider
{
    private TimeSpan elapsed;

    public List<TimeSpan> Waits { get; } = [];

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => elapsed.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Waits.Add(dueTime);
        elapsed += dueTime;
        return System.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
