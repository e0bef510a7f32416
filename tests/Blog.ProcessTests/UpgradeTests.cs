using Blog.V1;
using Dapper;
using Grpc.Core;
using Grpc.Net.Client;
using GrpcCqrs.Operations.V1;
using GrpcCqrs.Storage.Tests;
using Microsoft.Data.Sqlite;
using Xunit;
using Xunit.Abstractions;

namespace Blog.ProcessTests;

/// <summary>Two versions of the service on the same databases, and what a subscription keeps when its process is killed.</summary>
[Collection(Alone.Name)]
public sealed class UpgradeTests(WholePostgreSqlFixture fixture, ITestOutputHelper output) : IClassFixture<WholePostgreSqlFixture>, IDisposable
{
    private const int Kills = 3;

    private readonly DirectoryInfo data = Directory.CreateTempSubdirectory("grpccqrs-upgrade-");
    private readonly CancellationTokenSource limit = new(5 * Patience.Limit);

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        CleanUp.DeleteDirectory(data.FullName);
        limit.Dispose();
    }

    [SkippableFact]
    public async Task Node_by_node_the_projector_first_the_service_is_upgraded_under_load()
    {
        string[] store = [.. fixture.NewStore().Where(setting => setting.Value is not null).Select(setting => $"--{setting.Key}={setting.Value}")];
        await using var oldCommands = await StartAsync(isNext: false, "Command", store);
        await using var oldQueries = await StartAsync(isNext: false, "Query", store);
        await using var oldProjector = await StartAsync(isNext: false, "Projector", store);
        await using var newProjector = await StartAsync(isNext: true, "Projector", store);
        await using var newQueries = await StartAsync(isNext: true, "Query", store);
        await using var newCommands = await StartAsync(isNext: true, "Command", store);
        using var toOldCommands = GrpcChannel.ForAddress(oldCommands.GrpcAddress);
        using var toNewCommands = GrpcChannel.ForAddress(newCommands.GrpcAddress);
        using var toOldQueries = GrpcChannel.ForAddress(oldQueries.GrpcAddress);
        using var toNewQueries = GrpcChannel.ForAddress(newQueries.GrpcAddress);

        // What the old command node writes is read through both query nodes, while the projector changes.
        for (var number = 0; number < 10; number++)
        {
            await WriteAndReadAsync(toOldCommands, toOldQueries, toNewQueries);
            if (number == 4)
            {
                await oldProjector.KillAsync();
            }
        }

        // Then only the new ones are left.
        await oldQueries.KillAsync();
        await WriteAndReadAsync(toOldCommands, toNewQueries);
        await oldCommands.KillAsync();
        for (var number = 0; number < 5; number++)
        {
            await WriteAndReadAsync(toNewCommands, toNewQueries);
        }

        using var toNewProjector = GrpcChannel.ForAddress(newProjector.GrpcAddress);
        var parked = await new OperationsService.OperationsServiceClient(toNewProjector).ListParkedEventsAsync(new(), deadline: Limit());
        Assert.Empty(parked.Events);
    }

    [Fact]
    public async Task In_the_wrong_order_streams_with_unknown_events_wait_for_the_new_projector_and_the_others_go_on()
    {
        await using var newCommands = await StartOnSqliteAsync(isNext: true, "Command");
        await using var queries = await StartOnSqliteAsync(isNext: true, "Query");
        using var toCommands = GrpcChannel.ForAddress(newCommands.GrpcAddress);
        using var toQueries = GrpcChannel.ForAddress(queries.GrpcAddress);
        var commands = new PostCommandService.PostCommandServiceClient(toCommands);
        string archived;
        ArchivePostResponse late;
        await using (var oldProjector = await StartOnSqliteAsync(isNext: false, "Projector"))
        {
            archived = await WriteAndReadAsync(toCommands, toQueries, isArchived: false);
            late = await commands.ArchivePostAsync(new() { PostId = archived }, deadline: Limit());
            using var toProjector = GrpcChannel.ForAddress(oldProjector.GrpcAddress);
            var operations = new OperationsService.OperationsServiceClient(toProjector);
            while ((await operations.ListParkedEventsAsync(new(), deadline: Limit())).Events.All(parked => parked.Reader != "projections/post_details"))
            {
                await Task.Delay(20, limit.Token);
            }

            await WriteAndReadAsync(toCommands, toQueries, isArchived: false);
            await oldProjector.KillAsync();
        }

        await using var newProjector = await StartOnSqliteAsync(isNext: true, "Projector");
        await WriteAndReadAsync(toCommands, toQueries);
        await ReadAsync(toQueries, archived, late.ConsistencyToken, PostStatus.Archived, version: 3);
    }

    [Fact]
    public async Task After_SIGKILL_a_transactional_subscription_has_handled_each_event_once()
    {
        var random = new Random(7);
        for (var kill = 0; kill <= Kills; kill++)
        {
            await using var server = await StartOnSqliteAsync(isNext: true, "Everything");
            using var channel = GrpcChannel.ForAddress(server.GrpcAddress);
            var load = Task.WhenAll(Enumerable.Range(0, 8).Select(_ => LoadAsync(channel, edits: 40)));
            if (kill < Kills)
            {
                var (before, more) = (await CountAsync(), random.Next(20, 150));
                await UntilAsync(async () => await CountAsync() >= before + more);
                await server.KillAsync();
                await load;
            }
            else
            {
                await load;
                await UntilAsync(async () => await CountAsync() == await CountEventsAsync());
            }

            output.WriteLine($"run {kill}: {await CountAsync()} of {await CountEventsAsync()} events handled");
        }

        await using var connection = Connect();
        Assert.Empty(await connection.QueryAsync<string>(
            "SELECT c.stream FROM post_counts c WHERE c.events <> (SELECT COUNT(*) FROM events e WHERE e.stream = c.stream)"));
        Assert.True(await CountEventsAsync() > 8 * 41);
    }

    /// <summary>Creates, publishes and archives a post, and reads it with its token through each query node.</summary>
    private static async Task<string> WriteAndReadAsync(GrpcChannel toCommands, params IEnumerable<GrpcChannel> toQueries) =>
        await WriteAndReadAsync(toCommands, toQueries, isArchived: true);

    private static Task<string> WriteAndReadAsync(GrpcChannel toCommands, GrpcChannel toQueries, bool isArchived) =>
        WriteAndReadAsync(toCommands, [toQueries], isArchived);

    private static async Task<string> WriteAndReadAsync(GrpcChannel toCommands, IEnumerable<GrpcChannel> toQueries, bool isArchived)
    {
        var commands = new PostCommandService.PostCommandServiceClient(toCommands);
        var id = (await commands.CreatePostAsync(new() { Title = "A post", Content = "…", Author = "Ada" }, deadline: Limit())).PostId;
        var token = (await commands.PublishPostAsync(new() { PostId = id }, deadline: Limit())).ConsistencyToken;
        if (isArchived)
        {
            token = (await commands.ArchivePostAsync(new() { PostId = id }, deadline: Limit())).ConsistencyToken;
        }

        foreach (var queries in toQueries)
        {
            await ReadAsync(queries, id, token, isArchived ? PostStatus.Archived : PostStatus.Published, isArchived ? 3 : 2);
        }

        return id;
    }

    private static async Task ReadAsync(GrpcChannel toQueries, string id, string token, PostStatus status, long version)
    {
        var read = await new PostQueryService.PostQueryServiceClient(toQueries).GetPostAsync(new() { PostId = id, ConsistencyToken = token }, deadline: Limit());
        Assert.Equal((status, version), (read.Post.Status, read.Post.Version));
    }

    private static Task<ServerProcess> StartAsync(bool isNext, string role, IEnumerable<string> store) => ServerProcess.StartAsync(
        ServerProcess.StartInfo(
            Path.GetTempPath(), isNext ? ServerProcess.NextProgram : null, ["--Projections:MaxTokenWait=00:00:30", $"--Node:Role={role}", .. store]),
        addresses: 2);

    private Task<ServerProcess> StartOnSqliteAsync(bool isNext, string role) => ServerProcess.StartAsync(
        ServerProcess.StartInfo(
            data.FullName, isNext ? ServerProcess.NextProgram : null, ["--Projections:MaxTokenWait=00:00:30", $"--Node:Role={role}"]),
        addresses: 2);

    private static async Task LoadAsync(GrpcChannel channel, int edits)
    {
        try
        {
            var commands = new PostCommandService.PostCommandServiceClient(channel);
            var created = await commands.CreatePostAsync(new() { Title = "A post", Content = "…", Author = "Ada" }, deadline: Limit());
            for (var edit = 0; edit < edits; edit++)
            {
                await commands.EditPostContentAsync(new() { PostId = created.PostId, Content = $"Edit {edit}" }, deadline: Limit());
            }
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.Cancelled or StatusCode.Internal)
        {
            // The server was killed.
        }
    }

    private async Task UntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    private async Task<long> CountEventsAsync()
    {
        await using var connection = Connect();
        return await connection.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM events");
    }

    private SqliteConnection Connect() => new($"Data Source={Path.Combine(data.FullName, "write.db")}");

    private async Task<long> CountAsync()
    {
        await using var connection = Connect();
        return await connection.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM sqlite_master WHERE name = 'post_counts'") == 0
            ? 0
            : await connection.ExecuteScalarAsync<long>("SELECT COALESCE(SUM(events), 0) FROM post_counts");
    }

    private static DateTime Limit() => Patience.Deadline;
}
