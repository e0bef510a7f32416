using Blog.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Xunit;

namespace Blog.ProcessTests;

/// <summary>The service taken apart into several processes on the same databases.</summary>
[Collection(Alone.Name)]
public sealed class NodeTests : IDisposable
{
    private const string Role = "--Node:Role=";

    private readonly DirectoryInfo data = Directory.CreateTempSubdirectory("grpccqrs-nodes-");

    [Fact]
    public async Task A_command_node_a_projector_and_two_query_nodes_are_one_service()
    {
        await using var commandNode = await ServerProcess.StartAsync(data.FullName, Role + "Command");
        await using var projector = await ServerProcess.StartAsync(data.FullName, Role + "Projector");
        await using var queryNode = await ServerProcess.StartAsync(data.FullName, Role + "Query");
        var own = data.CreateSubdirectory("own").FullName;
        await using var ownNode = await ServerProcess.StartAsync(
            own,
            Role + "Query",
            "--Node:OwnReadDatabase=true",
            $"--Storage:Write:ConnectionString=Data Source={Path.Combine(data.FullName, "write.db")}");
        using var toCommands = GrpcChannel.ForAddress(commandNode.GrpcAddress);
        using var toProjector = GrpcChannel.ForAddress(projector.GrpcAddress);
        using var toQueries = GrpcChannel.ForAddress(queryNode.GrpcAddress);
        using var toOwn = GrpcChannel.ForAddress(ownNode.GrpcAddress);
        var commands = new PostCommandService.PostCommandServiceClient(toCommands);
        PostQueryService.PostQueryServiceClient[] queries = [new(toQueries), new(toOwn)];

        for (var number = 1; number <= 30; number++)
        {
            var created = await commands.CreatePostAsync(new CreatePostRequest { Title = $"Post {number}", Author = "Ada" });
            foreach (var node in queries)
            {
                var read = await node.GetPostAsync(new GetPostRequest { PostId = created.PostId, ConsistencyToken = created.ConsistencyToken });
                Assert.Equal($"Post {number}", read.Post.Title);
                Assert.True(read.Position >= number);
            }
        }

        // Each node serves its own part and no other.
        foreach (var call in new Func<Task>[]
        {
            async () => await new PostQueryService.PostQueryServiceClient(toCommands).ListPostsAsync(new ListPostsRequest()),
            async () => await new PostQueryService.PostQueryServiceClient(toProjector).ListPostsAsync(new ListPostsRequest()),
            async () => await new PostCommandService.PostCommandServiceClient(toQueries).CreatePostAsync(new CreatePostRequest { Title = "No" }),
        })
        {
            Assert.Equal(StatusCode.Unimplemented, (await Assert.ThrowsAsync<RpcException>(call)).StatusCode);
        }

        // Without the projector the shared read database stands still, which a token shows; the node with its own goes on.
        await projector.KillAsync();
        var late = await commands.CreatePostAsync(new CreatePostRequest { Title = "Late", Author = "Ada" });
        await using var impatientNode = await ServerProcess.StartAsync(data.FullName, Role + "Query", "--Projections:MaxTokenWait=00:00:00.500");
        using var toImpatient = GrpcChannel.ForAddress(impatientNode.GrpcAddress);
        var behind = await Assert.ThrowsAsync<RpcException>(async () => await new PostQueryService.PostQueryServiceClient(toImpatient).GetPostAsync(
            new GetPostRequest { PostId = late.PostId, ConsistencyToken = late.ConsistencyToken }));
        Assert.Equal(StatusCode.Unavailable, behind.StatusCode);
        Assert.Equal(30, (await queries[0].ListPostsAsync(new ListPostsRequest { PageSize = 100 })).Posts.Count);
        Assert.Equal(
            "Late",
            (await queries[1].GetPostAsync(new GetPostRequest { PostId = late.PostId, ConsistencyToken = late.ConsistencyToken })).Post.Title);
        await using var successor = await ServerProcess.StartAsync(data.FullName, Role + "Projector");
        await queries[0].GetPostAsync(new GetPostRequest { PostId = late.PostId, ConsistencyToken = late.ConsistencyToken });
    }

    public void Dispose() => CleanUp.DeleteDirectory(data.FullName);
}
