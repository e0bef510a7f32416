using Blog.V1;
using Grpc.Net.Client;
using Spectre.Console;
using Xunit;

namespace BlogImporter.Tests;

/// <summary>Imports into the real server.</summary>
public sealed class ImportTests : IDisposable
{
    private readonly ScratchDirectory scratch = new();
    private readonly StringWriter output = new();
    private readonly StringWriter error = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task A_second_run_appends_no_event()
    {
        await using var server = await RunningServer.StartAsync(scratch.Path);
        var items = GeneratedHistory.Make(30);
        var first = ImporterFor(server.Address, new GeneratedHistory(items), verifyHistories: 100);
        Assert.True(await first.RunAsync(default) == Importer.AllGood, output.ToString() + error);

        // 30 + 3 posts; each first one has 6 edits, of which one changes nothing, and is published; so is each that comes again.
        var events = (30 * 6) + 5 + (3 * 2);
        Assert.Equal(33, first.Tally.Posts);
        Assert.Equal((items.Count + 33, events, 0, 30), Counts(first.Tally));
        var versions = await VersionsAsync(server.Address, items);
        Assert.Equal(events, versions.Values.Sum());

        var second = ImporterFor(server.Address, new GeneratedHistory(items), verifyHistories: 100);
        Assert.True(await second.RunAsync(default) == Importer.AllGood, output.ToString() + error);
        Assert.Equal((items.Count + 33, 0, events, 30), Counts(second.Tally));
        Assert.Equal(versions, await VersionsAsync(server.Address, items));
    }

    [Fact]
    public async Task A_server_that_restarts_in_the_middle_loses_and_doubles_nothing()
    {
        var server = await RunningServer.StartAsync(scratch.Path);
        var address = server.Address;
        var items = GeneratedHistory.Make(40);
        var restarted = Task.CompletedTask;
        Importer? importer = null;
        var history = new GeneratedHistory(items, async number =>
        {
            if (number == items.Count / 2)
            {
                await UntilAsync(() => importer!.Tally.Accepted > number / 2);
                restarted = Task.Run(async () =>
                {
                    await server.DisposeAsync();
                    await Task.Delay(TimeSpan.FromMilliseconds(500));
                    server = await RunningServer.StartAsync(scratch.Path, address.ToString());
                });
            }
        });

        importer = ImporterFor(address, history, verifyHistories: 100);
        var exitCode = await importer.RunAsync(default);
        await restarted;
        Assert.True(exitCode == Importer.AllGood, output.ToString() + error);
        var versions = await VersionsAsync(address, items);
        Assert.Equal(importer.Tally.Appended, versions.Values.Sum());

        var second = ImporterFor(address, new GeneratedHistory(items));
        Assert.Equal(Importer.AllGood, await second.RunAsync(default));
        Assert.Equal(0, second.Tally.Appended);
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_server_that_stays_away_ends_the_import_and_the_next_run_continues_it()
    {
        var server = await RunningServer.StartAsync(scratch.Path);
        var address = server.Address;
        var items = GeneratedHistory.Make(20);
        Importer? first = null;
        var history = new GeneratedHistory(items, async number =>
        {
            if (number == items.Count / 2)
            {
                await UntilAsync(() => first!.Tally.Accepted > number / 2);
                await server.DisposeAsync();
            }
        });

        first = ImporterFor(address, history, retryFor: TimeSpan.FromSeconds(1));
        Assert.Equal(Importer.NotFinished, await first.RunAsync(default));
        Assert.Contains("has stopped answering", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("Running the import again continues it safely.", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, first.Tally.Rejected);

        await using var again = await RunningServer.StartAsync(scratch.Path, address.ToString());
        var second = ImporterFor(address, new GeneratedHistory(items), verifyHistories: 100);
        Assert.True(await second.RunAsync(default) == Importer.AllGood, output.ToString() + error);
        Assert.Equal((await VersionsAsync(address, items)).Values.Sum(), first.Tally.Appended + second.Tally.Appended);
    }

    [Fact]
    public async Task No_server_is_told_in_a_sentence()
    {
        Assert.Equal(Importer.NotFinished, await ImporterFor(new Uri("http://127.0.0.1:1"), new GeneratedHistory([])).RunAsync(default));
        Assert.Equal($"No server answers at http://127.0.0.1:1/.{Environment.NewLine}", error.ToString());
    }

    [Fact]
    public async Task Rejections_are_grouped_by_reason_and_the_rest_goes_on()
    {
        await using var server = await RunningServer.StartAsync(scratch.Path);
        var importer = ImporterFor(server.Address, new GeneratedHistory(
        [
            new MalformedItem("line 1", "MALFORMED_LINE", "It is [torn]."),
            new PostEdit("line 2", "blank", EditKind.Create, " ", "x", "Ann"),
            new PostEdit("line 3", "blank", EditKind.Content, Content: "y"),
            new PostEdit("line 4", "blank", EditKind.Content, Content: "z"),
            new PostEdit("line 5", "good", EditKind.Create, "T", "x", "Ann"),
            new PostEdit("line 6", "good", EditKind.Create, "T", "x", "Ann"),
        ]));

        Assert.Equal(Importer.SomeRejected, await importer.RunAsync(default));
        Assert.Equal(
            ["POST_NOT_FOUND 2 Post blank: line 3, line 4", "INVALID_FIELDS 1 Post blank: line 2", "MALFORMED_LINE 1 It is [torn].: line 1", "POST_EXISTS 1 Post good: line 6"],
            importer.Tally.Rejections.Select(group => $"{group.Reason} {group.Count} {group.FirstExample.Split(':')[0]}: {string.Join(", ", group.Places)}"));
        Assert.Equal(2, importer.Tally.Appended);
        Assert.Contains("It is [torn].", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_slug_freed_by_one_post_can_be_taken_by_the_next()
    {
        await using var server = await RunningServer.StartAsync(scratch.Path);
        List<HistoryItem> items = [.. Enumerable.Range(0, 50).SelectMany(i => (HistoryItem[])
        [
            new PostEdit("x", $"a.{i}", EditKind.Create, "T", "x", "Ann"),
            new PostEdit("x", $"a.{i}", EditKind.Delete),
            new PostEdit("x", $"A-{i}", EditKind.Create, "T", "y", "Ann"),
        ])];
        Assert.True(await ImporterFor(server.Address, new GeneratedHistory(items)).RunAsync(default) == Importer.AllGood, output.ToString());
    }

    [Fact]
    public async Task Verification_finds_what_somebody_else_changed()
    {
        await using var server = await RunningServer.StartAsync(scratch.Path);
        List<HistoryItem> items = [new PostEdit("x", "a", EditKind.Create, "T", "x", "Ann"), new PostEdit("x", "b", EditKind.Create, "T", "x", "Ann")];
        Assert.Equal(Importer.AllGood, await ImporterFor(server.Address, new GeneratedHistory(items)).RunAsync(default));

        using var channel = GrpcChannel.ForAddress(server.Address);
        var commands = new PostCommandService.PostCommandServiceClient(channel);
        await commands.EditPostContentAsync(new EditPostContentRequest { PostId = Names.PostId("a", 0).ToString("D"), Content = "X" });
        var queries = new PostQueryService.PostQueryServiceClient(channel);
        var deleted = await commands.DeletePostAsync(new DeletePostRequest { PostId = Names.PostId("b", 0).ToString("D") });
        await queries.ListTagsAsync(new ListTagsRequest { ConsistencyToken = deleted.ConsistencyToken });

        Assert.Equal(Importer.SomeRejected, await ImporterFor(server.Address, new GeneratedHistory(items)).RunAsync(default));
        Assert.Contains("Read back: 2 posts, 2 differences.", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("a: The content of the post is another", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("b: The service knows nothing of the post.", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Told_to_stop_it_answers_what_is_under_way_and_continues_the_next_time()
    {
        await using var server = await RunningServer.StartAsync(scratch.Path);
        var items = GeneratedHistory.Make(20);
        using var stop = new CancellationTokenSource();
        var first = ImporterFor(server.Address, new GeneratedHistory(items, number => number == 60 ? stop.CancelAsync() : Task.CompletedTask));
        Assert.Equal(Importer.NotFinished, await first.RunAsync(stop.Token));
        Assert.Contains("Stopped before the end.", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(first.Tally.Appended, (await VersionsAsync(server.Address, items)).Values.Sum());

        Assert.Equal(Importer.AllGood, await ImporterFor(server.Address, new GeneratedHistory(items), verifyHistories: 100).RunAsync(default));
    }

    [Fact]
    public async Task Drafts_are_published_by_a_later_run_without_the_option()
    {
        await using var server = await RunningServer.StartAsync(scratch.Path);
        var items = GeneratedHistory.Make(5);
        Assert.Equal(Importer.AllGood, await ImporterFor(server.Address, new GeneratedHistory(items), leaveDrafts: true).RunAsync(default));

        var second = ImporterFor(server.Address, new GeneratedHistory(items), verifyHistories: 100);
        Assert.True(await second.RunAsync(default) == Importer.SomeRejected, "The deleted post cannot be published any more.");
        Assert.Equal("POST_DELETED", Assert.Single(second.Tally.Rejections).Reason);
        Assert.Equal(5, second.Tally.Appended);
        Assert.Contains("0 differences", output.ToString(), StringComparison.Ordinal);
    }

    private Importer ImporterFor(Uri server, IHistory history, int verifyHistories = 0, bool leaveDrafts = false, TimeSpan? retryFor = null)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No, Interactive = InteractionSupport.No,
        });
        console.Profile.Width = 200;
        var options = new ImporterOptions
        {
            Server = server, RetryFor = retryFor ?? TimeSpan.FromSeconds(60), Verify = true, VerifyHistories = verifyHistories, LeaveDrafts = leaveDrafts,
        };
        return new Importer(options, history, console, error, TimeProvider.System);
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        while (!isSo())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1));
        }
    }

    private static (long Accepted, long Appended, long Repeated, long Unchanged) Counts(ImportTally tally) =>
        (tally.Accepted, tally.Appended, tally.Repeated, tally.Unchanged);

    /// <summary>How many events each post has, as the server tells.</summary>
    private static async Task<Dictionary<Guid, int>> VersionsAsync(Uri server, List<HistoryItem> items)
    {
        using var service = new BlogService(server, TimeSpan.Zero, TimeProvider.System);
        var versions = new Dictionary<Guid, int>();
        foreach (var post in items.OfType<PostEdit>().Select(edit => edit.Post).Distinct(StringComparer.Ordinal))
        {
            for (var generation = 0; generation < 2; generation++)
            {
                var id = Names.PostId(post, generation);
                versions[id] = (await service.GetCommandIdsAsync(id, default)).Count;
            }
        }

        return versions;
    }
}
