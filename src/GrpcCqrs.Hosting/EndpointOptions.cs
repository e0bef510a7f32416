using System.ComponentModel.DataAnnotations;

namespace GrpcCqrs.Hosting;

/// <summary>Where the service listens. Configuration section <c>Endpoints</c>.</summary>
public sealed class EndpointOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Endpoints";

    /// <summary>
    /// The address for gRPC, HTTP/2 without TLS: <c>http://host:port</c>, where the host is <c>localhost</c>, an IP address, or
    /// <c>*</c> for all interfaces, and port 0 takes any free one. Default <c>http://localhost:5000</c>.
    /// </summary>
    [Required]
    public string Grpc { get; set; } = "http://localhost:5000";

    /// <summary>The address for health over HTTP/1.1, in the same form. Default <c>http://localhost:5001</c>.</summary>
    [Required]
    public string Http { get; set; } = "http://localhost:5001";

    /// <summary>
    /// The largest gRPC request, in bytes; a larger one is refused with RESOURCE_EXHAUSTED before it is read. Default 4 MiB.
    /// </summary>
    [Range(64 * 1024, 256 * 1024 * 1024)]
    public int MaxRequestBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>
    /// How many commands may be under way at a time; one more is refused with RESOURCE_EXHAUSTED before anything is done for it.
    /// Default 1,024: more wait longer and get no more done. What a refused caller is told to wait is <c>Append:RetryAfter</c>.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MaxCommands { get; set; } = 1_024;
}

/// <summary>When health says that the read model is broken. Configuration section <c>Health</c>.</summary>
public sealed class ReadModelHealthOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Health";

    /// <summary>
    /// How long the live tables of a projection may stand still behind the newest event before the service counts as unhealthy.
    /// Default 30 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan MaxStall { get; set; } = TimeSpan.FromSeconds(30);
}
