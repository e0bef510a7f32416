using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Operations.V1;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace Blog.Tests.Service;

/// <summary>A service that gives up soon on a bad event, with what tests of the operators' calls do to it.</summary>
public class OperatedBlog : BlogService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    internal OperationsService.OperationsServiceClient Operations => new(Channel);

    /// <summary>The names of all projections, in order.</summary>
    public IReadOnlyList<string> ProjectionNames =>
        [.. Services.GetServices<IProjection>().Select(projection => projection.Name).Order(StringComparer.Ordinal)];

    protected override IEnumerable<string> Settings =>
    [
        "--Projections:RetryDelay=00:00:00.010", "--Projections:MaxRetryDelay=00:00:00.050", "--Projections:ParkAfter=2",
        "--Projections:DropDelay=00:00:00.001",
    ];

    /// <summary>Waits until something holds.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Patience.Limit);
        while (!await condition())
        {
            await Task.Delay(Pause, TimeProvider.System, limit.Token);
        }
    }

    /// <summary>Waits until the live tables of all projections have seen all events.</summary>
    public async Task CatchUpAsync() => await Services.GetRequiredService<IReadModel>().WaitForAsync(
        await Services.GetRequiredService<IEventStore>().ReadHeadAsync(CancellationToken.None), [], null, CancellationToken.None);

    /// <summary>Does by hand to the read database what nobody should.</summary>
    public async Task MeddleAsync(string sql, object? parameters = null)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(DataDirectory, "read.db")}");
        await connection.ExecuteAsync(sql, parameters);
    }

    /// <summary>The sets of tables of one projection, the live one first.</summary>
    internal async Task<IReadOnlyList<TableGeneration>> GenerationsAsync(string projection) =>
        (await Operations.ListProjectionsAsync(new())).Projections.Single(one => one.Name == projection).Generations;

    /// <summary>The states of the sets of tables of one projection, with their slots.</summary>
    internal async Task<IReadOnlyList<(int Generation, TableGenerationState State)>> GenerationStatesAsync(string projection) =>
        [.. (await GenerationsAsync(projection)).Select(set => (set.Generation, set.State))];

    /// <summary>Waits until an operation has ended.</summary>
    internal async Task<Operation> EndOfAsync(long operationId)
    {
        Operation? found = null;
        await UntilAsync(async () => (found = (await Operations.GetOperationAsync(new() { OperationId = operationId })).Operation).State != OperationState.Running);
        return found!;
    }
}

/// <summary>The same, on the read and write database of another one.</summary>
public sealed class SecondBlog(string directory, params string[] settings) : OperatedBlog
{
    protected override IEnumerable<string> Settings => [.. base.Settings, $"--Storage:Directory={directory}", .. settings];

    public static async Task<SecondBlog> StartAsync(string directory, params string[] settings)
    {
        var blog = new SecondBlog(directory, settings);
        await blog.InitializeAsync();
        return blog;
    }
}
