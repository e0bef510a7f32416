using DotNet.Testcontainers.Configurations;
using DotNet.Testcontainers.Containers;

namespace GrpcCqrs.Storage.Tests;

/// <summary>The Docker engine that Testcontainers finds: by DOCKER_HOST, its own settings file or the usual sockets.</summary>
internal static class DockerEndpoint
{
    /// <summary>A local engine answers within milliseconds; one that is not heard of by then is taken for absent.</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(10);

    /// <summary>A first start includes pulling the image, more than a gigabyte for SQL Server.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(10);

    private static readonly Lazy<Uri?> Answering = new(() => Find(() => TestcontainersSettings.OS.DockerEndpointAuthConfig?.Endpoint, AnswerLimit));

    /// <summary>The endpoint of an engine that answers; null where there is none.</summary>
    public static Uri? Find() => Answering.Value;

    /// <summary>Asks for an endpoint for a limited time.</summary>
    /// <param name="ask">Returns the endpoint that answered, or null. It may throw and may take long.</param>
    /// <param name="limit">The longest time to wait.</param>
    public static Uri? Find(Func<Uri?> ask, TimeSpan limit)
    {
        var asking = Task.Run(ask);
        return Task.WhenAny(asking, Task.Delay(limit)).GetAwaiter().GetResult() == asking && asking.IsCompletedSuccessfully ? asking.Result : null;
    }

    /// <summary>Starts a container, which ends with this process, and returns the connection string to its server.</summary>
    public static string Start<TContainer>(TContainer container)
        where TContainer : IContainer, IDatabaseContainer
    {
        using var limit = new CancellationTokenSource(StartLimit);
        Task.Run(() => container.StartAsync(limit.Token)).GetAwaiter().GetResult();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => CleanUp.Try("container", () => container.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(10)));
        return container.GetConnectionString();
    }
}
