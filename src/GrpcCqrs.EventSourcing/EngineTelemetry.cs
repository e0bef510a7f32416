using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace GrpcCqrs.EventSourcing;

/// <summary>The engine's traces and metrics. Subscribe to both by <see cref="Name"/>.</summary>
internal static class EngineTelemetry
{
    /// <summary>The name of the activity source and of the meter.</summary>
    public const string Name = "GrpcCqrs";

    /// <summary>Traces.</summary>
    public static ActivitySource Source { get; } = new(Name);

    /// <summary>Metrics.</summary>
    public static Meter Meter { get; } = new(Name);
}
