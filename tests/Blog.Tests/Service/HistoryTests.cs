using Blog.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>GetPostHistory and GetPostAsOf.</summary>
public sealed class HistoryTests(BlogService blog) : IClassFixture<BlogService>
{
    [Fact]
    public async Task History_tells_what_happened_in_order()
    {
        var commandId = PostCalls.NewId();
        var request = PostCalls.NewPost("Title", "Inhalt ü", "Ada", "b", "a");
        request.CommandId = commandId;
        request.Slug = "history-order";
        var id = (await blog.Commands.CreatePostAsync(request)).PostId;
        await blog.Commands.ChangePostTitleAsync(new() { PostId = id, Title = "题名" });
        await blog.Commands.EditPostContentAsync(new() { PostId = id, Content = "ü" });
        await blog.PublishAsync(id);
        await blog.Commands.UnpublishPostAsync(new() { PostId = id });
        await blog.PublishAsync(id);
        await blog.Commands.ArchivePostAsync(new() { PostId = id });
        await blog.Commands.AddPostTagsAsync(new() { PostId = id, Tags = { "c", "d" } });
        await blog.Commands.RemovePostTagsAsync(new() { PostId = id, Tags = { "a" } });
        await blog.Commands.DeletePostAsync(new() { PostId = id });

        var history = await blog.HistoryAsync(id);
        Assert.Equal(
            [
                ("blog.post-created", "Created as a draft titled “Title” by Ada."),
                ("blog.post-title-updated", "Title changed to “题名”."),
                ("blog.post-content-edited", "Content replaced, 2 bytes."),
                ("blog.post-published", "Published."),
                ("blog.post-unpublished", "Made a draft again."),
                ("blog.post-published", "Published."),
                ("blog.post-archived", "Archived."),
                ("blog.post-tags-added", "Tags added: c, d."),
                ("blog.post-tags-removed", "Tags removed: a."),
                ("blog.post-deleted", "Deleted."),
            ],
            history.Select(entry => (entry.EventType, entry.Summary)));
        Assert.Equal("""{"title":"Title","content":"Inhalt ü","slug":"history-order","author":"Ada","tags":["a","b"]}""", history[0].DataJson);
        Assert.Equal((1, 1, commandId, commandId, "anonymous"), (history[0].Version, history[0].SchemaVersion, history[0].CommandId, history[0].CausationId, history[0].User));
        Assert.Equal(history.OrderBy(entry => entry.Position), history);
        Assert.Equal(history.OrderBy(entry => entry.Time.ToDateTimeOffset()), history);
        Assert.Equal(history.Count, history.Select(entry => Guid.ParseExact(entry.EventId, "D")).Distinct().Count());
        Assert.All(history, entry => Assert.NotEmpty(entry.CorrelationId));

        var bare = await blog.Queries.GetPostHistoryAsync(new() { PostId = id });
        Assert.Equal(history.Select(entry => new PostHistoryEntry(entry) { DataJson = "" }), bare.Entries);
    }

    [Fact]
    public async Task Headers_name_the_correlation_and_the_causation()
    {
        var id = (await blog.CreateAsync()).PostId;
        var longest = new string('x', 128);
        await CommandCall.SendAsync(blog, "PublishPost", id, headers: new Metadata { { "grpccqrs-correlation-id", "checkout 42" }, { "grpccqrs-causation-id", longest } });
        var entry = (await blog.HistoryAsync(id))[^1];
        Assert.Equal(("checkout 42", longest), (entry.CorrelationId, entry.CausationId));

        foreach (var header in (string[])["grpccqrs-correlation-id", "grpccqrs-causation-id"])
        {
            var exception = await Assert.ThrowsAsync<RpcException>(() =>
                CommandCall.SendAsync(blog, "DeletePost", id, headers: new Metadata { { header, longest + "x" } }));
            Refusal.Of(exception).Is(EngineErrors.InvalidFields, $"header {header}");
        }

        Assert.Equal(2, (await blog.HistoryAsync(id)).Count);
    }

    [Fact]
    public async Task Pages_of_history_put_together_are_the_whole()
    {
        var id = (await blog.CreateAsync()).PostId;
        for (var number = 1; number <= 6; number++)
        {
            await blog.Commands.ChangePostTitleAsync(new() { PostId = id, Title = $"Title {number}" });
        }

        var whole = await blog.HistoryAsync(id);
        Assert.Equal(7, whole.Count);
        foreach (var pageSize in (int[])[1, 3, 7, 8])
        {
            var paged = new List<PostHistoryEntry>();
            var request = new GetPostHistoryRequest { PostId = id, PageSize = pageSize, IncludeData = true };
            do
            {
                var page = await blog.Queries.GetPostHistoryAsync(request);
                Assert.InRange(page.Entries.Count, 1, pageSize);
                paged.AddRange(page.Entries);
                request.PageToken = page.NextPageToken;
            }
            while (request.PageToken.Length > 0);
            Assert.Equal(whole, paged);
        }
    }

    [Fact]
    public async Task Pages_with_large_payloads_are_cut_short()
    {
        var id = (await blog.CreateAsync(content: new string('0', 600_000))).PostId;
        for (var number = 1; number <= 3; number++)
        {
            await blog.Commands.EditPostContentAsync(new() { PostId = id, Content = new string((char)('0' + number), 600_000) });
        }

        var first = await blog.Queries.GetPostHistoryAsync(new() { PostId = id, IncludeData = true });
        Assert.InRange(first.Entries.Count, 1, 3);
        Assert.NotEmpty(first.NextPageToken);
        Assert.Equal([1, 2, 3, 4], (await blog.HistoryAsync(id)).Select(entry => entry.Version));
        Assert.Equal(4, (await blog.Queries.GetPostHistoryAsync(new() { PostId = id })).Entries.Count);
    }

    [Fact]
    public async Task A_page_of_history_fits_what_clients_accept_by_default()
    {
        // Control characters are six bytes each in JSON: the largest content makes a payload of 6 MiB.
        var id = (await blog.CreateAsync(content: new string('\u0001', 1024 * 1024))).PostId;
        var page = await blog.Queries.GetPostHistoryAsync(new() { PostId = id, IncludeData = true });
        Assert.InRange(page.CalculateSize(), 1, 4 * 1024 * 1024);
    }

    [Fact]
    public async Task GetPostAsOf_returns_the_post_at_every_version()
    {
        var (id, states) = await WriteVersionsAsync();
        foreach (var state in states)
        {
            var answer = await blog.Queries.GetPostAsOfAsync(new() { PostId = id.ToUpperInvariant(), Version = state.Version });
            Assert.Equal(state, answer.Post);
        }

        foreach (var version in (long[])[states.Count + 1, long.MaxValue])
        {
            var refusal = await Refusal.OfAsync(blog.Queries.GetPostAsOfAsync(new() { PostId = id, Version = version }));
            refusal.Is(PostErrors.VersionOutOfRange, "version");
            Assert.Equal($"{states.Count}", refusal.Info.Metadata["current_version"]);
        }

        foreach (var version in (long[])[0, -1, long.MinValue])
        {
            (await Refusal.OfAsync(blog.Queries.GetPostAsOfAsync(new() { PostId = id, Version = version }))).Is(EngineErrors.InvalidFields, "version");
        }
    }

    [Fact]
    public async Task GetPostAsOf_returns_the_newest_state_at_a_time()
    {
        var (id, states) = await WriteVersionsAsync();
        foreach (var time in states.Select(state => state.UpdateTime).Distinct())
        {
            // Two changes may share a microsecond; the later one is then the state at that time.
            Assert.Equal(states.Last(state => state.UpdateTime.Equals(time)), await AtAsync(time.ToDateTimeOffset()));
            var before = states.LastOrDefault(state => state.UpdateTime.CompareTo(time) < 0);
            if (before is not null)
            {
                Assert.Equal(before, await AtAsync(time.ToDateTimeOffset().AddTicks(-1)));
            }
        }

        Assert.Equal(states[^1], await AtAsync(DateTimeOffset.MaxValue));
        var early = Timestamp.FromDateTimeOffset(states[0].CreateTime.ToDateTimeOffset().AddTicks(-1));
        (await Refusal.OfAsync(blog.Queries.GetPostAsOfAsync(new() { PostId = id, Time = early }))).Is(PostErrors.NotFound);

        async Task<Post> AtAsync(DateTimeOffset time) =>
            (await blog.Queries.GetPostAsOfAsync(new() { PostId = id, Time = Timestamp.FromDateTimeOffset(time) })).Post;
    }

    /// <summary>A post and what GetPost said after each change.</summary>
    private async Task<(string Id, List<Post> States)> WriteVersionsAsync()
    {
        var created = await blog.CreateAsync("As of", "One", tags: "one");
        var id = created.PostId;
        var states = new List<Post> { await blog.GetAsync(id, created.ConsistencyToken) };
        foreach (var command in (string[])["ChangePostTitle", "PublishPost", "EditPostContent", "AddPostTags", "UnpublishPost", "PublishPost", "ArchivePost", "RemovePostTags"])
        {
            var answer = await CommandCall.SendAsync(blog, command, id);
            states.Add(await blog.GetAsync(id, answer.Token));
        }

        Assert.Equal(9, states[^1].Version);
        return (id, states);
    }
}
