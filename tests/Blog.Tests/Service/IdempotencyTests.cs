using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Service;

public sealed class IdempotencyTests(BlogService blog) : IClassFixture<BlogService>
{
    private const int Racers = 16;
    private const int Rounds = 25;

    [Theory]
    [MemberData(nameof(CommandCall.All), MemberType = typeof(CommandCall))]
    public async Task A_repeated_command_gets_the_first_answer_and_appends_nothing(string command)
    {
        var id = await CommandCall.StartAsync(blog, command);
        var commandId = PostCalls.NewId();
        var first = await CommandCall.SendAsync(blog, command, id, commandId);
        if (await Refusal.OrNullAsync(blog.Commands.EditPostContentAsync(new() { PostId = id, Content = "What came in between" })) is { } refusal)
        {
            // The command was the post's last.
            refusal.Is(PostErrors.Deleted);
        }

        var before = (await blog.HistoryAsync(id)).Count;
        var second = await CommandCall.SendAsync(blog, command, id, commandId);
        Assert.Equal(first, second);
        Assert.Equal(before, (await blog.HistoryAsync(id)).Count);
    }

    [Theory]
    [MemberData(nameof(CommandCall.All), MemberType = typeof(CommandCall))]
    public async Task Only_a_command_with_an_id_is_remembered(string command)
    {
        var stream = $"post-{await CommandCall.StartAsync(blog, command)}";
        await CommandCall.SendAsync(blog, command, stream["post-".Length..]);
        Assert.DoesNotContain(await blog.ReadWriteDatabaseAsync("SELECT stream FROM commands"), row => row["stream"] == stream);

        var other = await CommandCall.StartAsync(blog, command);
        await CommandCall.SendAsync(blog, command, other, PostCalls.NewId());
        Assert.Single(await blog.ReadWriteDatabaseAsync("SELECT stream FROM commands"), row => row["stream"] == $"post-{other}");
    }

    [Theory]
    [MemberData(nameof(CommandCall.OnAPost), MemberType = typeof(CommandCall))]
    public async Task A_command_raced_by_itself_is_carried_out_once(string command)
    {
        var id = await CommandCall.StartAsync(blog, command);
        var before = (await blog.HistoryAsync(id)).Count;
        var commandId = PostCalls.NewId();
        var answers = await Task.WhenAll(Enumerable.Range(0, Racers).Select(_ => CommandCall.SendAsync(blog, command, id, commandId)));
        Assert.Single(answers.Distinct());
        Assert.Equal(before + 1, (await blog.HistoryAsync(id)).Count);
    }

    [Fact]
    public async Task A_creation_raced_by_itself_makes_one_post()
    {
        var request = PostCalls.NewPost("Raced creation", author: "Racer");
        request.CommandId = PostCalls.NewId();
        var answers = await Task.WhenAll(Enumerable.Range(0, Racers).Select(_ => blog.Commands.CreatePostAsync(request).ResponseAsync));
        var answer = Assert.Single(answers.Distinct());
        Assert.Equal("raced-creation", answer.Slug);
        var listed = await blog.Queries.ListPostsAsync(new() { Author = "Racer", ConsistencyToken = answer.ConsistencyToken });
        Assert.Equal(answer.PostId, Assert.Single(listed.Posts).PostId);
    }

    [Fact]
    public async Task A_command_raced_by_itself_is_not_refused_for_what_it_did_itself()
    {
        // The loser of the race may find the post created, or at another version, by the winner.
        for (var round = 0; round < Rounds; round++)
        {
            var id = PostCalls.NewId();
            var creation = PostCalls.NewId();
            var created = await Task.WhenAll(Enumerable.Range(0, Racers).Select(_ => CommandCall.SendAsync(blog, "CreatePost", id, creation)));
            Assert.Equal(1, Assert.Single(created.Distinct()).Version);

            var publication = PostCalls.NewId();
            var published = await Task.WhenAll(Enumerable.Range(0, Racers).Select(_ =>
                CommandCall.SendAsync(blog, "PublishPost", id, publication, expectedVersion: 1)));
            Assert.Equal(2, Assert.Single(published.Distinct()).Version);
        }
    }

    [Fact]
    public async Task A_command_id_used_again_for_another_request_is_refused()
    {
        var id = (await blog.CreateAsync()).PostId;
        var commandId = PostCalls.NewId();
        await blog.Commands.ChangePostTitleAsync(new() { PostId = id, Title = "One", CommandId = commandId });

        var otherField = await Refusal.OfAsync(blog.Commands.ChangePostTitleAsync(new() { PostId = id, Title = "Two", CommandId = commandId }));
        otherField.Is(EngineErrors.CommandIdReused, "command_id");
        (await CommandCall.RefuseAsync(blog, "PublishPost", id, commandId)).Is(EngineErrors.CommandIdReused, "command_id");
        (await CommandCall.RefuseAsync(blog, "ChangePostTitle", PostCalls.UnknownId, commandId)).Is(EngineErrors.CommandIdReused, "command_id");
        Assert.Equal(2, (await blog.HistoryAsync(id)).Count);
    }

    [Fact]
    public async Task A_refused_command_can_be_sent_again_under_its_id()
    {
        var id = (await blog.CreateAsync()).PostId;
        var commandId = PostCalls.NewId();
        (await CommandCall.RefuseAsync(blog, "ArchivePost", id, commandId)).Is(PostErrors.NotPublished);
        await blog.PublishAsync(id);
        Assert.Equal(3, (await CommandCall.SendAsync(blog, "ArchivePost", id, commandId)).Version);
    }

    [Fact]
    public async Task An_unchanged_command_is_repeated_with_its_first_answer()
    {
        var id = (await blog.CreateAsync()).PostId;
        var commandId = PostCalls.NewId();
        var first = await CommandCall.SendAsync(blog, "UnpublishPost", id, commandId);
        await blog.PublishAsync(id);
        Assert.Equal(first, await CommandCall.SendAsync(blog, "UnpublishPost", id, commandId));
        Assert.Equal(2, (await blog.HistoryAsync(id)).Count);
    }

    [Fact]
    public async Task Answers_and_tokens_outlive_a_restart()
    {
        var service = await BlogService.StartNewAsync();
        try
        {
            var request = PostCalls.NewPost("Before the restart");
            request.CommandId = PostCalls.NewId();
            var first = await service.Commands.CreatePostAsync(request);
            await service.RestartAsync();
            Assert.Equal(first, await service.Commands.CreatePostAsync(request));
            Assert.Equal("Before the restart", (await service.GetAsync(first.PostId, first.ConsistencyToken)).Title);
            Assert.Single(await service.HistoryAsync(first.PostId));
        }
        finally
        {
            await service.DisposeAsync();
        }
    }
}
