using System.ComponentModel.DataAnnotations;

namespace GrpcCqrs.Hosting;

/// <summary>The service's addresses and request limits. Configuration section <c>Endpoints</c>.</summary>
public sealed class EndpointOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Endpoints";

    /// <summary>
    /// The address for gRPC over HTTP/2 without TLS: <c>http://host:port</c>. The host is <c>localhost</c>, an IP
    /// address, or <c>*</c> for all interfaces; port 0 uses any free port. Default <c>http://localhost:5000</c>.
    /// </summary>
    [Required]
    public string Grpc { get; set; } = "http://localhost:5000";

    /// <summary>The address for health over HTTP/1.1, in the same form. Default <c>http://localhost:5001</c>.</summary>
    [Required]
    public string Http { get; set; } = "http://localhost:5001";

    /// <summary>
    /// The maximum size of a gRPC request in bytes. A larger one is rejected with RESOURCE_EXHAUSTED before it is read.
    /// Default 4 MiB.
    /// </summary>
    [Range(64 * 1024, 256 * 1024 * 1024)]
    public int MaxRequestBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>
    /// The maximum number of concurrent commands. Further ones are rejected with RESOURCE_EXHAUSTED before any work is
    /// done, with <c>Append:RetryAfter</c> as the retry delay. Default 1,024: more would wait longer without raising
    /// throughput.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MaxCommands { get; set; } = 1_024;
}

/// <summary>When the read model counts as unhealthy. Configuration section <c>Health</c>.</summary>
public sealed class ReadModelHealthOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Health";

    /// <summary>
    /// How long the live tables of a projection may make no progress while behind the end of the log before the service
    /// counts as unhealthy. Default 30 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan MaxStall { get; set; } = TimeSpan.FromSeconds(30);
}
