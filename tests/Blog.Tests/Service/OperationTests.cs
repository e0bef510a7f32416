using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Hosting;
using GrpcCqrs.Operations.V1;
using Microsoft.Data.Sqlite;
using Xunit;
using CommandOutcome = GrpcCqrs.Operations.V1.CommandOutcome;

namespace Blog.Tests.Service;

/// <summary>grpccqrs.operations.v1, and the operator's command line.</summary>
public sealed class OperationTests(BlogService blog) : IClassFixture<BlogService>
{
    private OperationsService.OperationsServiceClient Operations => new(blog.Channel);

    [Fact]
    public async Task The_audit_log_tells_every_command_the_refused_ones_too_by_filter_and_page()
    {
        var id = (await blog.CreateAsync()).PostId;
        await blog.Commands.PublishPostAsync(new() { PostId = id });
        await blog.Commands.PublishPostAsync(new() { PostId = id });
        await Refusal.OfAsync(blog.Commands.ChangePostTitleAsync(new() { PostId = id, Title = "x", ExpectedVersion = 99 }));

        var all = await Operations.ListAuditEntriesAsync(new() { Stream = $"post-{id}" });
        Assert.Equal(
            [
                ("ChangePostTitle", CommandOutcome.Rejected, "WRONG_EXPECTED_VERSION"), ("PublishPost", CommandOutcome.Unchanged, ""),
                ("PublishPost", CommandOutcome.Appended, ""), ("CreatePost", CommandOutcome.Appended, ""),
            ],
            all.Entries.Select(entry => (entry.CommandType, entry.Outcome, entry.ErrorReason)));
        Assert.All(all.Entries, entry => Assert.Equal("anonymous", entry.User));
        Assert.All(all.Entries, entry => Assert.Equal(entry.Outcome == CommandOutcome.Appended, entry.Position > 0));

        var first = await Operations.ListAuditEntriesAsync(new() { Stream = $"post-{id}", PageSize = 3 });
        var second = await Operations.ListAuditEntriesAsync(new() { Stream = $"post-{id}", PageSize = 3, PageToken = first.NextPageToken });
        Assert.Equal(all.Entries, [.. first.Entries, .. second.Entries]);
        Assert.Empty(second.NextPageToken);
        Assert.Equal(all.Entries[1], Assert.Single((await Operations.ListAuditEntriesAsync(
            new() { Stream = $"post-{id}", CommandType = "PublishPost", Outcome = CommandOutcome.Unchanged })).Entries));
    }

    [Fact]
    public async Task A_call_that_is_malformed_around_its_command_is_audited_too()
    {
        var refusal = await Refusal.OfAsync(blog.Commands.CreatePostAsync(
            new() { CommandId = "no uuid", ExpectedVersion = -1, Title = " ", Author = "malformed" }));
        refusal.Is(EngineErrors.InvalidFields, "title", "command_id", "expected_version");

        var newest = (await Operations.ListAuditEntriesAsync(new() { Outcome = CommandOutcome.Rejected, PageSize = 1, CommandType = "CreatePost" })).Entries;
        Assert.Equal("INVALID_FIELDS", Assert.Single(newest).ErrorReason);
    }

    [Fact]
    public async Task Malformed_filters_are_named()
    {
        var refusal = await Refusal.OfAsync(Operations.ListAuditEntriesAsync(
            new() { PageSize = 501, CommandId = "x", Outcome = (CommandOutcome)99, StartTime = new() { Nanos = -1 } }));
        refusal.Is(EngineErrors.InvalidFields, "page_size", "outcome", "command_id", "start_time");
        (await Refusal.OfAsync(Operations.ListAuditEntriesAsync(new() { PageToken = "forged" }))).Is(EngineErrors.PageTokenInvalid, "page_token");
    }

    [Fact]
    public async Task The_history_tells_what_each_event_changed()
    {
        var text = string.Join('\n', Enumerable.Range(1, 50).Select(line => $"line {line}"));
        var id = (await blog.CreateAsync(title: "Old", content: text)).PostId;
        await blog.Commands.ChangePostTitleAsync(new() { PostId = id, Title = "New" });
        await blog.Commands.EditPostContentAsync(new() { PostId = id, Content = text.Replace("line 25\n", "line twenty-five\n", StringComparison.Ordinal) });

        var entries = (await blog.Queries.GetPostHistoryAsync(new() { PostId = id, IncludeChanges = true })).Entries;
        Assert.Contains(entries[0].Changes, change => change is { Field: "title", Before: "", After: "Old" });
        Assert.Equal(new V1.FieldChange { Field = "title", Before = "Old", After = "New" }, Assert.Single(entries[1].Changes));
        var content = Assert.Single(entries[2].Changes);
        Assert.Equal(("content", "…\n  line 23\n  line 24\n- line 25\n+ line twenty-five\n  line 26\n  line 27\n"), (content.Field, content.Difference));

        // A page in the middle starts from the state before it.
        var first = await blog.Queries.GetPostHistoryAsync(new() { PostId = id, IncludeChanges = true, PageSize = 1 });
        var second = await blog.Queries.GetPostHistoryAsync(new() { PostId = id, IncludeChanges = true, PageSize = 1, PageToken = first.NextPageToken });
        Assert.Equal(entries[1], Assert.Single(second.Entries));
        Assert.All((await blog.Queries.GetPostHistoryAsync(new() { PostId = id })).Entries, entry => Assert.Empty(entry.Changes));
    }
}

/// <summary>Tampering breaks the log for good, so it has a service of its own.</summary>
public sealed class VerificationTests(BlogService blog) : IClassFixture<BlogService>
{
    [Fact]
    public async Task Verification_finds_a_changed_event_by_call_and_by_command_line()
    {
        var operations = new OperationsService.OperationsServiceClient(blog.Channel);
        for (var number = 0; number < 5; number++)
        {
            await blog.CreateAsync();
        }

        Assert.Equal(new VerifyEventLogResponse { Intact = true, VerifiedEvents = 5 }, await operations.VerifyEventLogAsync(new()));
        Assert.Equal(0, await OperatorCommands.VerifyAsync(blog.Application));

        await using (var connection = new SqliteConnection($"Data Source={Path.Combine(blog.DataDirectory, "write.db")}"))
        {
            await connection.ExecuteAsync("UPDATE events SET user_name = 'mallory' WHERE position = 3");
        }

        var broken = await operations.VerifyEventLogAsync(new());
        Assert.Equal((false, 2, 3), (broken.Intact, broken.VerifiedEvents, broken.BrokenAtPosition));
        Assert.NotEmpty(broken.Problem);
        Assert.Equal(1, await OperatorCommands.VerifyAsync(blog.Application));
    }
}
