using System.Globalization;
using Blog.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Xunit;

namespace Blog.ProcessTests;

/// <summary>
/// A client of several processes that are one service: it turns to the next one where the one that it used is gone, repeats what was
/// not answered under the same command id, reads each of its writes with the token of the answer, and keeps books of it all.
/// </summary>
internal sealed class FailoverClient(string name, IReadOnlyList<GrpcChannel> nodes, CancellationToken limit)
{
    private readonly Random random = new(name[^1]);
    private int node;

    /// <summary>Its name as an author, and its tag.</summary>
    public string Name { get; } = name;

    /// <summary>Its posts as they must be read: all that it wrote was answered.</summary>
    public Dictionary<string, WrittenPost> Posts { get; private init; } = new(StringComparer.Ordinal);

    /// <summary>Its posts that are not deleted.</summary>
    public IEnumerable<WrittenPost> Kept => Posts.Values.Where(post => !post.IsDeleted);

    /// <summary>How often its writes were answered, which is how many events they are.</summary>
    public int Writes { get; private set; }

    /// <summary>The token of its last write.</summary>
    public string Token { get; private set; } = "";

    /// <summary>Writes and reads until it is told to stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var post = await CreateAsync();
            for (var edits = random.Next(4); edits > 0 && !stop.IsCancellationRequested; edits--)
            {
                await EditAsync(post);
            }

            if (random.Next(2) == 0)
            {
                await PublishAsync(post);
            }

            if (random.Next(8) == 0)
            {
                await DeleteAsync(post);
            }
        }
    }

    /// <summary>Creates a post and reads it.</summary>
    public async Task<string> CreateAsync()
    {
        var commandId = Guid.CreateVersion7().ToString("D");
        var created = await SendAsync(to => to.CreatePostAsync(
            new CreatePostRequest { CommandId = commandId, Title = $"Post {commandId}", Content = "First.", Author = Name, Tags = { Name, "everybody" } },
            cancellationToken: limit));
        Posts[created.PostId] = new WrittenPost("First.", created.Version, false, 0, false);
        await WrittenAsync(created.PostId, created.ConsistencyToken);
        return created.PostId;
    }

    /// <summary>A post as it must be read, with a token.</summary>
    public async Task CheckAsync(string postId, string token)
    {
        var expected = Posts[postId];
        await RepeatAsync(async channel =>
        {
            var read = new PostQueryService.PostQueryServiceClient(channel).GetPostAsync(
                new GetPostRequest { PostId = postId, ConsistencyToken = token }, cancellationToken: limit).ResponseAsync;
            if (expected.IsDeleted)
            {
                // A refusal of another kind goes on to where it is repeated or fails the test.
                var refusal = await Assert.ThrowsAsync<RpcException>(() => read);
                return refusal.StatusCode == StatusCode.NotFound ? true : throw refusal;
            }

            var post = (await read).Post;
            Assert.Equal((expected.Content, expected.Version, expected.IsPublished), (post.Content, post.Version, post.Status == PostStatus.Published));
            return true;
        });
    }

    /// <summary>The same client, with the same books, at one process alone.</summary>
    public FailoverClient Through(GrpcChannel channel) => new(Name, [channel], limit) { Posts = Posts };

    private async Task EditAsync(string post)
    {
        var request = new EditPostContentRequest
        {
            CommandId = Guid.CreateVersion7().ToString("D"),
            PostId = post,
            Content = string.Create(CultureInfo.InvariantCulture, $"Write {Writes} of {Name}."),
        };
        var edited = await SendAsync(to => to.EditPostContentAsync(request, cancellationToken: limit));
        Posts[post] = Posts[post] with { Content = request.Content, Version = edited.Version, Edits = Posts[post].Edits + 1 };
        await WrittenAsync(post, edited.ConsistencyToken);
    }

    private async Task PublishAsync(string post)
    {
        var request = new PublishPostRequest { CommandId = Guid.CreateVersion7().ToString("D"), PostId = post };
        var published = await SendAsync(to => to.PublishPostAsync(request, cancellationToken: limit));
        Posts[post] = Posts[post] with { Version = published.Version, IsPublished = true };
        await WrittenAsync(post, published.ConsistencyToken);
    }

    private async Task DeleteAsync(string post)
    {
        var request = new DeletePostRequest { CommandId = Guid.CreateVersion7().ToString("D"), PostId = post };
        var deleted = await SendAsync(to => to.DeletePostAsync(request, cancellationToken: limit));
        Posts[post] = Posts[post] with { Version = deleted.Version, IsDeleted = true };
        await WrittenAsync(post, deleted.ConsistencyToken);
    }

    private async Task WrittenAsync(string post, string token)
    {
        Writes++;
        Token = token;
        await CheckAsync(post, token);
    }

    private Task<T> SendAsync<T>(Func<PostCommandService.PostCommandServiceClient, AsyncUnaryCall<T>> call) =>
        RepeatAsync(async channel => await call(new PostCommandService.PostCommandServiceClient(channel)));

    /// <summary>
    /// A process that was killed in the middle of an answer looks like an internal error too; what was meant so by one that lives
    /// repeats itself until the limit.
    /// </summary>
    private async Task<T> RepeatAsync<T>(Func<GrpcChannel, Task<T>> call)
    {
        while (true)
        {
            try
            {
                return await call(nodes[node % nodes.Count]);
            }
            catch (RpcException exception) when (!limit.IsCancellationRequested && exception.StatusCode is StatusCode.Unavailable or StatusCode.Internal)
            {
                node++;
                await Task.Delay(10, limit);
            }
        }
    }
}

/// <summary>A post as its client knows it.</summary>
internal sealed record WrittenPost(string Content, long Version, bool IsPublished, int Edits, bool IsDeleted);
