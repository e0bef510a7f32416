namespace GrpcCqrs.Storage.Tests;

/// <summary>Where the specs get a database server from.</summary>
internal abstract record ServerSource
{
    private ServerSource()
    {
    }

    /// <summary>Chooses a source: what the environment names comes first, an installed server next, a container last.</summary>
    /// <param name="server">The server's name, for the message.</param>
    /// <param name="variable">The environment variable that may hold a connection string.</param>
    /// <param name="configured">The value of the variable.</param>
    /// <param name="findBinaries">Finds the binaries of an installed server; null for a server that the specs cannot start themselves.</param>
    /// <param name="findDocker">Finds a Docker endpoint that answers. It is called only where there is nothing else.</param>
    public static ServerSource Choose(string server, string variable, string? configured, Func<string?>? findBinaries, Func<Uri?> findDocker)
    {
        if (!string.IsNullOrEmpty(configured))
        {
            return new Configured(configured);
        }

        if (findBinaries?.Invoke() is { } binaries)
        {
            return new Installed(binaries);
        }

        if (findDocker() is { } endpoint)
        {
            return new Container(endpoint);
        }

        var installed = findBinaries is null ? "" : "it is not installed, ";
        return new Missing($"There is no {server}: {variable} is not set, {installed}and no Docker endpoint answers.");
    }

    /// <summary>The environment names a server.</summary>
    public sealed record Configured(string ConnectionString) : ServerSource;

    /// <summary>The server is installed; the specs start one of their own.</summary>
    public sealed record Installed(string Binaries) : ServerSource;

    /// <summary>A Docker endpoint answers; the specs start a container.</summary>
    public sealed record Container(Uri Endpoint) : ServerSource;

    /// <summary>There is no server.</summary>
    /// <param name="Reason">Why, with what would change it.</param>
    public sealed record Missing(string Reason) : ServerSource;
}
