using Blog.V1;
using Grpc.Core;
using Xunit;
using Told = Blog.V1.WatchPostsResponse.ChangeOneofCase;

namespace Blog.Tests.Service;

/// <summary>blog.v1.PostQueryService/WatchPosts.</summary>
public sealed class WatchPostsTests(WatchPostsTests.ImpatientBlogService blog) : IClassFixture<WatchPostsTests.ImpatientBlogService>
{
    [Fact]
    public async Task A_watch_tells_the_posts_then_every_change_that_concerns_it()
    {
        const string Author = "Watched";
        var draft = await CreateAsync("Draft", Author, "one");
        var published = await CreateAsync("Published", Author, "one");
        await blog.PublishAsync(published);
        await CreateAsync("Of another", "Somebody else", "one");
        using var call = Watch(new WatchPostsRequest { Author = Author, Statuses = { PostStatus.Published } });

        Assert.Equal(("Published", 0L), await PostAsync(call));
        var caughtUp = await NextAsync(call);
        Assert.Equal(Told.CaughtUp, caughtUp.ChangeCase);
        await blog.PublishAsync(draft);
        Assert.Equal("Draft", (await PostAsync(call)).Title);
        await blog.Commands.ChangePostTitleAsync(new ChangePostTitleRequest { PostId = draft, Title = "New title" });
        Assert.Equal("New title", (await PostAsync(call)).Title);
        await blog.Commands.UnpublishPostAsync(new UnpublishPostRequest { PostId = published });
        Assert.Equal(published, await LeftAsync(call));
        await blog.Commands.DeletePostAsync(new DeletePostRequest { PostId = draft });
        Assert.Equal(draft, await LeftAsync(call));
        var last = await blog.PublishAsync(published);
        var message = await NextAsync(call);
        Assert.Equal(published, message.Post.PostId);

        // Going on from a position tells the changes behind it and not the posts.
        using var resumed = Watch(new WatchPostsRequest { Author = Author, Statuses = { PostStatus.Published }, AfterPosition = caughtUp.Position });
        var told = new List<WatchPostsResponse>();
        while (told.Count == 0 || told[^1].Position < message.Position)
        {
            told.Add(await NextAsync(resumed));
        }

        Assert.DoesNotContain(told, each => each.ChangeCase == Told.CaughtUp);
        Assert.Equal(published, told.Last(each => each.ChangeCase == Told.Post).Post.PostId);
        Assert.Contains(told, each => each.LeftPostId == draft);
        Assert.NotNull(last);
    }

    [Fact]
    public async Task A_watcher_ends_with_what_a_list_shows_however_many_write()
    {
        const string Author = "Busy";
        using var call = Watch(new WatchPostsRequest { Author = Author });
        var writers = Task.WhenAll(Enumerable.Range(0, 6).Select(async writer =>
        {
            for (var number = 0; number < 15; number++)
            {
                var id = await CreateAsync($"{writer} {number}", Author, "many");
                await blog.Commands.EditPostContentAsync(new EditPostContentRequest { PostId = id, Content = "More." });
                if (number % 3 == 0)
                {
                    await blog.Commands.DeletePostAsync(new DeletePostRequest { PostId = id });
                }
                else
                {
                    await blog.Commands.ChangePostTitleAsync(new ChangePostTitleRequest { PostId = id, Title = $"{writer} {number} anew" });
                }
            }
        }));
        var end = Task.Run(async () =>
        {
            await writers;
            return (await blog.Commands.CreatePostAsync(new CreatePostRequest { Title = "The end", Author = Author })).ConsistencyToken;
        });
        var posts = new Dictionary<string, Post>(StringComparer.Ordinal);
        while (!posts.Values.Any(post => post.Title == "The end"))
        {
            var message = await NextAsync(call);
            switch (message.ChangeCase)
            {
                case Told.Post:
                    posts[message.Post.PostId] = message.Post;
                    break;
                case Told.LeftPostId:
                    posts.Remove(message.LeftPostId);
                    break;
            }
        }

        var listed = await blog.Queries.ListPostsAsync(new ListPostsRequest { Author = Author, PageSize = 100, ConsistencyToken = await end });
        Assert.Equal(61, listed.Posts.Count);
        Assert.Equal(listed.Posts.OrderBy(post => post.PostId, StringComparer.Ordinal), posts.Values.OrderBy(post => post.PostId, StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_client_that_reads_nothing_is_cut_off_and_told_where_to_go_on()
    {
        const string Author = "Slow";
        using var call = Watch(new WatchPostsRequest { Author = Author });
        Assert.Equal(Told.CaughtUp, (await NextAsync(call)).ChangeCase);
        var ids = await Task.WhenAll(Enumerable.Range(0, 40).Select(number => CreateAsync(new string('t', 190) + number, Author, "slow")));
        for (var round = 0; round < 60 && !ResponseHasEnded(call); round++)
        {
            await Task.WhenAll(ids.Select(async id => await blog.Commands.EditPostContentAsync(new EditPostContentRequest { PostId = id, Content = $"Round {round}" })));
            await Task.Delay(20);
        }

        var refusal = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext())
            {
                await Task.Delay(1);
            }
        });
        Assert.Equal("SLOW_CONSUMER", Refusal.Of(refusal).Reason);
    }

    [Theory]
    [InlineData(-1L, "after_position")]
    [InlineData(1_000_000_000L, null)]
    public async Task A_position_that_cannot_be_is_refused(long position, string? field)
    {
        using var call = Watch(new WatchPostsRequest { AfterPosition = position });
        var refusal = Refusal.Of(await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext()));
        Assert.Equal(field is null ? "POSITION_OUT_OF_RANGE" : "INVALID_FIELDS", refusal.Reason);
    }

    private static bool ResponseHasEnded(AsyncServerStreamingCall<WatchPostsResponse> call)
    {
        try
        {
            return call.GetStatus().StatusCode != StatusCode.OK;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private AsyncServerStreamingCall<WatchPostsResponse> Watch(WatchPostsRequest request) =>
        blog.Queries.WatchPosts(request, deadline: Patience.Deadline);

    private async Task<string> CreateAsync(string title, string author, string tag) =>
        (await blog.Commands.CreatePostAsync(new CreatePostRequest { Title = title, Author = author, Tags = { tag } })).PostId;

    private static async Task<WatchPostsResponse> NextAsync(AsyncServerStreamingCall<WatchPostsResponse> call)
    {
        do
        {
            Assert.True(await call.ResponseStream.MoveNext());
        }
        while (call.ResponseStream.Current.ChangeCase == Told.Checkpoint);
        return call.ResponseStream.Current;
    }

    private static async Task<(string Title, long Position)> PostAsync(AsyncServerStreamingCall<WatchPostsResponse> call)
    {
        var message = await NextAsync(call);
        Assert.Equal(Told.Post, message.ChangeCase);
        return (message.Post.Title, message.Position);
    }

    private static async Task<string> LeftAsync(AsyncServerStreamingCall<WatchPostsResponse> call)
    {
        // A post of the same batch may be told before it.
        var message = await NextAsync(call);
        Assert.Equal(Told.LeftPostId, message.ChangeCase);
        return message.LeftPostId;
    }

    /// <summary>A service that waits for its clients only a moment.</summary>
    public sealed class ImpatientBlogService : BlogService
    {
        protected override IEnumerable<string> Settings => ["--Feed:SlowConsumerTimeout=00:00:01"];
    }
}
