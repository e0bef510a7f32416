using System.Globalization;
using Blog.V1;
using Grpc.Net.Client;
using GrpcCqrs.Operations.V1;
using Xunit;

namespace Blog.ProcessTests;

/// <summary>
/// A rebuild of every projection while clients write and read, the projecting process killed in the middle: no query fails, none is
/// answered from before its token, no client goes back in time, and the rebuild goes on where it was.
/// </summary>
[Collection(Alone.Name)]
public sealed class RebuildUnderLoadTests : IDisposable
{
    private const int Loaders = 64;
    private const int PostCount = 2_000;
    private const int Writers = 4;

    private readonly DirectoryInfo data = Directory.CreateTempSubdirectory("grpccqrs-rebuild-");

    private const int EventCount = 100_000;

    [LongFact]
    public async Task Nobody_notices_a_rebuild_whose_process_is_killed()
    {
        await using var commandNode = await ServerProcess.StartAsync(data.FullName, "--Node:Role=Command");
        await using var queryNode = await ServerProcess.StartAsync(data.FullName, "--Node:Role=Query");
        var projector = await StartProjectorAsync();
        using var toCommands = GrpcChannel.ForAddress(commandNode.GrpcAddress);
        using var toQueries = GrpcChannel.ForAddress(queryNode.GrpcAddress);
        var commands = new PostCommandService.PostCommandServiceClient(toCommands);
        var queries = new PostQueryService.PostQueryServiceClient(toQueries);
        var operations = new OperationsService.OperationsServiceClient(toQueries);
        try
        {
            var posts = await FillAsync(commands);
            await CaughtUpAsync(operations);

            using var stop = new CancellationTokenSource();
            var load = Enumerable.Range(0, Writers).Select(client => Task.Run(() => WriteAndReadAsync(commands, queries, posts, client, stop.Token))).ToArray();
            await operations.RebuildProjectionsAsync(new RebuildProjectionsRequest { HoldOnDifference = true });
            var before = await UntilBuildingAsync(operations, EventCount / 5);
            await projector.KillAsync();
            await projector.DisposeAsync();
            projector = await StartProjectorAsync();

            // Whatever was committed before the kill is kept: the first position seen afterwards is not before it.
            var after = await UntilBuildingAsync(operations, 1);
            Assert.True(after >= before, $"The rebuild stood at {before} before the kill and at {after} behind it.");
            await UntilAsync(async () => (await ListAsync(operations)).All(set => set.State != TableGenerationState.Building));
            var sets = await ListAsync(operations);
            await stop.CancelAsync();
            var pairs = await Task.WhenAll(load);

            Assert.All(sets, set => Assert.Contains(set.State, new[] { TableGenerationState.Live, TableGenerationState.Previous }));
            Assert.All(sets.Where(set => set.State == TableGenerationState.Live), set => Assert.Equal((2, ""), (set.Generation, set.Note)));
            Assert.All(pairs, count => Assert.True(count > 0));
        }
        finally
        {
            await projector.DisposeAsync();
        }
    }

    public void Dispose() => CleanUp.DeleteDirectory(data.FullName);

    /// <summary>Slow enough to be caught in the act, fast enough to end.</summary>
    private Task<ServerProcess> StartProjectorAsync() => ServerProcess.StartAsync(
        data.FullName, "--Node:Role=Projector", $"--Projections:RebuildEventsPerSecond={(EventCount / 5).ToString(CultureInfo.InvariantCulture)}");

    private static async Task<string[]> FillAsync(PostCommandService.PostCommandServiceClient commands)
    {
        var posts = new string[PostCount];
        await Parallel.ForAsync(0, PostCount, new ParallelOptions { MaxDegreeOfParallelism = Loaders }, async (number, cancellationToken) =>
            posts[number] = (await commands.CreatePostAsync(
                new CreatePostRequest { Title = $"Post {number}", Content = "First.", Author = $"Author {number % 50}", Tags = { $"tag {number % 20}" } },
                cancellationToken: cancellationToken)).PostId);
        await Parallel.ForAsync(PostCount, EventCount, new ParallelOptions { MaxDegreeOfParallelism = Loaders }, async (number, cancellationToken) =>
            await commands.EditPostContentAsync(
                new EditPostContentRequest { PostId = posts[number % PostCount], Content = $"Revision {number}." }, cancellationToken: cancellationToken));
        return posts;
    }

    /// <summary>Writes and reads until it is told to stop; returns how often.</summary>
    private static async Task<int> WriteAndReadAsync(
        PostCommandService.PostCommandServiceClient commands, PostQueryService.PostQueryServiceClient queries, string[] posts, int client, CancellationToken stop)
    {
        var random = new Random(client);
        var (pairs, position) = (0, 0L);
        for (; !stop.IsCancellationRequested; pairs++)
        {
            // Posts of its own, so that nobody else writes between its write and its read.
            var post = posts[(random.Next(PostCount / Writers) * Writers) + client];
            var content = $"Client {client}, pair {pairs}";
            var written = await commands.EditPostContentAsync(new EditPostContentRequest { PostId = post, Content = content }, cancellationToken: CancellationToken.None);
            var read = await queries.GetPostAsync(new GetPostRequest { PostId = post, ConsistencyToken = written.ConsistencyToken }, cancellationToken: CancellationToken.None);
            Assert.Equal((content, written.Version), (read.Post.Content, read.Post.Version));
            Advance(read.Position);
            Advance((await queries.ListPostsAsync(new ListPostsRequest { Author = $"Author {client}" }, cancellationToken: CancellationToken.None)).Position);
            Advance((await queries.SearchPostsAsync(new SearchPostsRequest { Query = $"\"pair {pairs}\"" }, cancellationToken: CancellationToken.None)).Position);
            Advance((await queries.ListTagsAsync(new ListTagsRequest(), cancellationToken: CancellationToken.None)).Position);
            await Task.Delay(5, CancellationToken.None);
        }

        return pairs;

        void Advance(long now)
        {
            Assert.True(now >= position, $"Position {now} after {position}.");
            position = now;
        }
    }

    private static async Task CaughtUpAsync(OperationsService.OperationsServiceClient operations) => await UntilAsync(async () =>
    {
        var listed = await operations.ListProjectionsAsync(new ListProjectionsRequest());
        return listed.HeadPosition >= EventCount && listed.Projections.All(projection => projection.Generations.All(set => set.Position == listed.HeadPosition));
    });

    /// <summary>Waits until every projection's new generation has passed a position, and returns the least that one has reached.</summary>
    private static async Task<long> UntilBuildingAsync(OperationsService.OperationsServiceClient operations, long position)
    {
        var reached = 0L;
        await UntilAsync(async () =>
        {
            var building = (await ListAsync(operations)).Where(set => set.State == TableGenerationState.Building).ToArray();
            reached = building.Length == 0 ? 0 : building.Min(set => set.Position);
            return reached >= position;
        });
        return reached;
    }

    private static async Task<TableGeneration[]> ListAsync(OperationsService.OperationsServiceClient operations) =>
        [.. (await operations.ListProjectionsAsync(new ListProjectionsRequest())).Projections.SelectMany(projection => projection.Generations)];

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Patience.Limit);
        while (!await condition())
        {
            await Task.Delay(20, limit.Token);
        }
    }
}
