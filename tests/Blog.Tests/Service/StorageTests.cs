using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>What stands in the databases behind the answers.</summary>
public sealed class StorageTests(BlogService blog) : IClassFixture<BlogService>
{
    private const string Marker = "SECRET-MARKER-7f3a";

    [Fact]
    public async Task Every_command_leaves_an_audit_row_and_no_row_holds_a_payload()
    {
        var commandId = PostCalls.NewId();
        var request = PostCalls.NewPost(Marker, Marker, Marker, Marker);
        request.CommandId = commandId;
        var id = (await blog.Commands.CreatePostAsync(request)).PostId;
        await blog.Commands.CreatePostAsync(request);
        await CommandCall.SendAsync(blog, "EditPostContent", id, text: Marker);
        await CommandCall.SendAsync(blog, "EditPostContent", id, PostCalls.NewId(), text: Marker);
        await CommandCall.SendAsync(blog, "ChangePostTitle", id, text: Marker + " 2");
        await CommandCall.RefuseAsync(blog, "ArchivePost", id);
        await CommandCall.RefuseAsync(blog, "ChangePostTitle", id, commandId);
        await CommandCall.RefuseAsync(blog, "PublishPost", id, expectedVersion: 7);
        await Refusal.OfAsync(blog.Commands.CreatePostAsync(PostCalls.NewPost(Marker, new string('\0', 3) + Marker)));

        var rows = await blog.ReadWriteDatabaseAsync("SELECT * FROM audit ORDER BY id");
        Assert.Equal(
            [
                ("CreatePost", CommandOutcome.Appended, ""),
                ("CreatePost", CommandOutcome.Repeated, ""),
                ("EditPostContent", CommandOutcome.Unchanged, ""),
                ("EditPostContent", CommandOutcome.Unchanged, ""),
                ("ChangePostTitle", CommandOutcome.Appended, ""),
                ("ArchivePost", CommandOutcome.Rejected, "POST_NOT_PUBLISHED"),
                ("ChangePostTitle", CommandOutcome.Rejected, "COMMAND_ID_REUSED"),
                ("PublishPost", CommandOutcome.Rejected, "WRONG_EXPECTED_VERSION"),
                ("CreatePost", CommandOutcome.Rejected, "INVALID_FIELDS"),
            ],
            rows.Select(row => (row["command_type"], Enum.Parse<CommandOutcome>(row["outcome"]), row["error_reason"])));
        Assert.All(rows, row => Assert.Equal("anonymous", row["user_name"]));
        Assert.All(rows.Take(6), row => Assert.Equal($"post-{id}", row["stream"]));
        Assert.Equal(rows[0]["command_id"], rows[1]["command_id"]);
        Assert.All(rows.SelectMany(row => row.Values), value => Assert.DoesNotContain(Marker, value, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Positions_and_versions_have_no_gaps_and_the_outbox_is_empty_once_drained()
    {
        var service = await BlogService.StartNewAsync();
        try
        {
            var created = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => service.CreateAsync()));
            await Task.WhenAll(created.SelectMany(post => (Task[])[service.PublishAsync(post.PostId), CommandCall.SendAsync(service, "AddPostTags", post.PostId)]));
            var last = await CommandCall.SendAsync(service, "EditPostContent", created[0].PostId);
            await service.GetAsync(last.PostId, last.Token);

            var events = await service.ReadWriteDatabaseAsync("SELECT position, stream, version FROM events ORDER BY position");
            Assert.Equal(Enumerable.Range(1, 31), events.Select(row => int.Parse(row["position"], System.Globalization.CultureInfo.InvariantCulture)));
            Assert.All(
                events.GroupBy(row => row["stream"], StringComparer.Ordinal),
                stream => Assert.Equal(Enumerable.Range(1, stream.Count()).Select(version => $"{version}"), stream.Select(row => row["version"])));
            await AssertOutboxDrainsAsync(service);
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    [Fact]
    public void The_write_and_the_read_database_are_two_files()
    {
        var files = Directory.GetFiles(blog.DataDirectory, "*.db").Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal);
        Assert.Equal(["read.db", "write.db"], files);
    }

    /// <summary>Rows go with the transaction after the one that made them superfluous, so that this is soon and not at once.</summary>
    private static async Task AssertOutboxDrainsAsync(BlogService service)
    {
        const int maxLooks = 1_000;
        var pause = TimeSpan.FromMilliseconds(10);
        for (var look = 1; look <= maxLooks; look++)
        {
            if ((await service.ReadWriteDatabaseAsync("SELECT last_position FROM outbox")).Count == 0)
            {
                return;
            }

            await Task.Delay(pause, TimeProvider.System);
        }

        Assert.Fail("The outbox still holds rows.");
    }
}
