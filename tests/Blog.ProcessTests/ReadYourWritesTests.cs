using System.Globalization;
using Blog.V1;
using Grpc.Net.Client;
using Xunit;

namespace Blog.ProcessTests;

/// <summary>Whoever writes and then reads with the token of the answer sees the write, at once and every time.</summary>
[Collection(Alone.Name)]
public sealed class ReadYourWritesTests : IDisposable
{
    private const int Clients = 32;
    private const int Pairs = 10_000;

    private readonly DirectoryInfo data = Directory.CreateTempSubdirectory("grpccqrs-tokens-");

    [Fact]
    public async Task Every_one_of_ten_thousand_reads_sees_the_write_before_it()
    {
        await using var server = await ServerProcess.StartAsync(data.FullName);
        using var channel = GrpcChannel.ForAddress(server.GrpcAddress);
        var commands = new PostCommandService.PostCommandServiceClient(channel);
        var queries = new PostQueryService.PostQueryServiceClient(channel);
        var seen = 0;
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(async () =>
        {
            var post = (await commands.CreatePostAsync(new CreatePostRequest { Title = $"Post of {client}", Author = $"Client {client}" })).PostId;
            var position = 0L;
            for (var number = client; number < Pairs; number += Clients)
            {
                var content = number.ToString(CultureInfo.InvariantCulture);
                var written = await commands.EditPostContentAsync(new EditPostContentRequest { PostId = post, Content = content });
                GetPostResponse read = await queries.GetPostAsync(new GetPostRequest { PostId = post, ConsistencyToken = written.ConsistencyToken });
                Assert.Equal((content, written.Version), (read.Post.Content, read.Post.Version));
                Assert.True(read.Position >= position, $"Position {read.Position} after {position}.");
                position = read.Position;
                Interlocked.Increment(ref seen);
            }
        })));
        Assert.Equal(Pairs, seen);
    }

    public void Dispose() => CleanUp.DeleteDirectory(data.FullName);
}
