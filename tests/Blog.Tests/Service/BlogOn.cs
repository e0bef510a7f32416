using GrpcCqrs.Storage.Tests;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>The service with its databases where a fixture of the storage specs puts them; without a server it is not started.</summary>
public class BlogOn<TStores> : BlogService, IAsyncLifetime
    where TStores : IStoreFixture, IDisposable, new()
{
    private readonly TStores stores = new();
    private IReadOnlyDictionary<string, string?> settings = new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>Why the tests are to be skipped; null where the service runs.</summary>
    public string? Missing { get; private set; }

    protected override IEnumerable<string> Settings => settings.Select(setting => $"--{setting.Key}={setting.Value}");

    async Task IAsyncLifetime.InitializeAsync()
    {
        try
        {
            settings = stores.NewStore();
        }
        catch (SkipException skip)
        {
            // A fixture that throws fails its tests; each skips itself.
            Missing = skip.Message;
            return;
        }

        await InitializeAsync();
        await PrepareAsync();
    }

    async Task IAsyncLifetime.DisposeAsync()
    {
        await CleanUpAsync();
        await DisposeAsync();
        stores.Dispose();
    }

    /// <summary>Skips the test where there is no server.</summary>
    public BlogOn<TStores> OrSkip()
    {
        Skip.If(Missing is not null, Missing);
        return this;
    }

    /// <summary>Fills the databases.</summary>
    protected virtual Task PrepareAsync() => Task.CompletedTask;

    /// <summary>Ends what <see cref="PrepareAsync"/> began.</summary>
    protected virtual Task CleanUpAsync() => Task.CompletedTask;
}
