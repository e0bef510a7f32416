using Xunit;

namespace GrpcCqrs.Storage.Tests;

/// <summary>
/// One database server for all specs of a process, started when the first of them asks for it. Where there is none the specs are
/// skipped; where CI demands one they fail.
/// </summary>
internal sealed class TestServer
{
    private readonly Lazy<(string? ConnectionString, string Missing)> found;
    private readonly bool isDemanded;

    /// <param name="choose">Chooses the source.</param>
    /// <param name="start">Starts the server of a source that needs it; returns a connection string that may create databases.</param>
    /// <param name="connect">Connects once, so that a server which is named but not there fails the tests at once and not each after a time-out.</param>
    /// <param name="isDemanded">Whether a missing server is a failure.</param>
    public TestServer(Func<ServerSource> choose, Func<ServerSource, string> start, Action<string> connect, bool isDemanded)
    {
        this.isDemanded = isDemanded;
        found = new(() => Find(choose(), source => Connected(start(source), connect), connect));
    }

    /// <summary>Whether this is a run of CI.</summary>
    public static bool IsCI => string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);

    /// <summary>A connection string that may create databases. Skips the test where there is no server.</summary>
    public string AdminConnectionString
    {
        get
        {
            var (connectionString, missing) = found.Value;
            if (connectionString is null && isDemanded)
            {
                throw new InvalidOperationException($"CI demands a server. {missing}");
            }

            Skip.If(connectionString is null, missing);
            return connectionString!;
        }
    }

    private static (string? ConnectionString, string Missing) Find(ServerSource source, Func<ServerSource, string> start, Action<string> connect)
    {
        switch (source)
        {
            case ServerSource.Configured configured:
                return (Connected(configured.ConnectionString, connect), "");
            case ServerSource.Missing missing:
                return (null, missing.Reason);
            case ServerSource.Container container:
                try
                {
                    return (start(source), "");
                }
                catch (Exception exception)
                {
                    // Such as an image that is not there and cannot be pulled.
                    return (null, $"Docker answers at {container.Endpoint}, but the container did not start: {exception.Message}");
                }

            default:
                return (start(source), "");
        }
    }

    private static string Connected(string connectionString, Action<string> connect)
    {
        connect(connectionString);
        return connectionString;
    }
}
