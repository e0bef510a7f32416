using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>Expected versions, and writers that meet on one post or on one slug.</summary>
public sealed class ConcurrencyTests(BlogService blog) : IClassFixture<BlogService>
{
    private const int Creators = 16;
    private const int Writers = 32;

    [Theory]
    [MemberData(nameof(CommandCall.OnAPost), MemberType = typeof(CommandCall))]
    public async Task A_command_at_another_version_is_aborted_with_the_actual_one(string command)
    {
        var id = (await blog.CreateAsync()).PostId;
        await blog.PublishAsync(id);
        foreach (var expected in (long[])[0, 1, 3, long.MaxValue])
        {
            var refusal = (await CommandCall.RefuseAsync(blog, command, id, expectedVersion: expected)).Is(EngineErrors.WrongExpectedVersion);
            Assert.Equal("2", refusal.Info.Metadata["actual_version"]);
        }

        Assert.Equal(2, (await blog.HistoryAsync(id)).Count);
    }

    [Theory]
    [MemberData(nameof(CommandCall.OnAPost), MemberType = typeof(CommandCall))]
    public async Task A_command_at_the_expected_version_is_carried_out(string command)
    {
        var id = (await blog.CreateAsync()).PostId;
        await blog.PublishAsync(id);
        Assert.InRange((await CommandCall.SendAsync(blog, command, id, expectedVersion: 2)).Version, 2, 3);
    }

    [Theory]
    [MemberData(nameof(CommandCall.All), MemberType = typeof(CommandCall))]
    public async Task A_negative_expected_version_is_refused(string command) =>
        (await CommandCall.RefuseAsync(blog, command, PostCalls.NewId(), expectedVersion: -1)).Is(EngineErrors.InvalidFields, "expected_version");

    [Fact]
    public async Task A_creation_may_expect_version_0_and_no_other()
    {
        Assert.Equal(1, (await CommandCall.SendAsync(blog, "CreatePost", PostCalls.NewId(), expectedVersion: 0)).Version);
        var refusal = (await CommandCall.RefuseAsync(blog, "CreatePost", PostCalls.NewId(), expectedVersion: 1)).Is(EngineErrors.WrongExpectedVersion);
        Assert.Equal("0", refusal.Info.Metadata["actual_version"]);
    }

    [Fact]
    public async Task A_creation_under_an_id_in_use_is_refused()
    {
        var id = (await blog.CreateAsync()).PostId;
        (await CommandCall.RefuseAsync(blog, "CreatePost", id)).Is(PostErrors.Exists);
        (await CommandCall.RefuseAsync(blog, "CreatePost", await blog.CreateDeletedAsync())).Is(PostErrors.Exists);
    }

    [Fact]
    public async Task Of_creations_with_one_slug_exactly_one_succeeds_and_the_others_leave_nothing()
    {
        var ids = Enumerable.Range(0, Creators).Select(_ => PostCalls.NewId()).ToArray();
        var refusals = await Task.WhenAll(ids.Select(id =>
        {
            var request = PostCalls.NewPost($"By {id}", author: "Slug racer");
            request.Slug = "one-slug";
            request.PostId = id;
            request.CommandId = PostCalls.NewId();
            return Refusal.OrNullAsync(blog.Commands.CreatePostAsync(request));
        }));
        var winner = Assert.Single(ids.Zip(refusals), pair => pair.Second is null).First;
        Assert.All(refusals.OfType<Refusal>(), refusal => refusal.Is(PostErrors.SlugTaken));

        var token = (await blog.CreateAsync("Later than the race")).ConsistencyToken;
        var listed = await blog.Queries.ListPostsAsync(new() { Author = "Slug racer", ConsistencyToken = token });
        Assert.Equal(winner, Assert.Single(listed.Posts).PostId);
        foreach (var id in ids.Where(id => id != winner))
        {
            (await Refusal.OfAsync(blog.Queries.GetPostHistoryAsync(new() { PostId = id }))).Is(PostErrors.NotFound);
        }

        var keys = await blog.ReadWriteDatabaseAsync("SELECT stream FROM unique_keys WHERE value = 'one-slug'");
        Assert.Equal($"post-{winner}", Assert.Single(keys)["stream"]);
    }

    [Fact]
    public async Task Creations_with_one_title_all_succeed_under_different_slugs()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, Creators).Select(_ => blog.CreateAsync("Same title for all")));
        var slugs = answers.Select(answer => answer.Slug).ToArray();
        Assert.Equal(Creators, slugs.Distinct(StringComparer.Ordinal).Count());
        Assert.All(slugs, slug => Assert.StartsWith("same-title-for-all", slug, StringComparison.Ordinal));
        Assert.Contains("same-title-for-all", slugs);
    }

    [Fact]
    public async Task A_slug_is_free_again_after_its_post_is_deleted()
    {
        var request = PostCalls.NewPost();
        request.Slug = "used-again";
        var first = await blog.Commands.CreatePostAsync(request);
        (await Refusal.OfAsync(blog.Commands.CreatePostAsync(request))).Is(PostErrors.SlugTaken);
        await blog.Commands.DeletePostAsync(new() { PostId = first.PostId });
        var second = await blog.Commands.CreatePostAsync(request);
        var found = await blog.Queries.GetPostAsync(new() { Slug = "used-again", ConsistencyToken = second.ConsistencyToken });
        Assert.Equal(second.PostId, found.Post.PostId);
    }

    [Fact]
    public async Task Writers_on_one_post_succeed_or_are_told_to_repeat_and_versions_have_no_gaps()
    {
        var id = (await blog.CreateAsync()).PostId;
        var outcomes = await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer =>
            Refusal.OrNullAsync(blog.Commands.ChangePostTitleAsync(new() { PostId = id, Title = $"By writer {writer}" }))));
        var refusals = outcomes.OfType<Refusal>().ToArray();
        Assert.All(refusals, refusal => Assert.NotNull(refusal.Is(EngineErrors.TooMuchContention).Detail<Google.Rpc.RetryInfo>()));

        var history = await blog.HistoryAsync(id);
        Assert.Equal(1 + Writers - refusals.Length, history.Count);
        Assert.Equal(Enumerable.Range(1, history.Count).Select(version => (long)version), history.Select(entry => entry.Version));
        Assert.Equal(history.Count, history.Select(entry => entry.DataJson).Distinct(StringComparer.Ordinal).Count());
    }
}
