using System.ComponentModel.DataAnnotations;

namespace GrpcCqrs.Hosting.Health;

/// <summary>How the gRPC health service asks the registered health checks. Configuration section <c>Health</c>.</summary>
public sealed class HealthOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Health";

    /// <summary>
    /// How often an open Watch looks for a change of status. Default 5 seconds; from 100 milliseconds to 1 hour. A change is
    /// reported this much later at worst.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00", ParseLimitsInInvariantCulture = true, ConvertValueInInvariantCulture = true)]
    public TimeSpan WatchInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long the result of one run of all checks is used for, so that many callers do not multiply the load on what the checks
    /// look at. Default 1 second; from zero, where each call that finds no run in progress starts one, to 1 minute.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00", ParseLimitsInInvariantCulture = true, ConvertValueInInvariantCulture = true)]
    public TimeSpan ReportMaxAge { get; set; } = TimeSpan.FromSeconds(1);
}
