using Google.Rpc;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Operations.V1;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>Events that a projection cannot apply, and what an operator does about them.</summary>
public sealed class ParkingTests(OperatedBlog blog) : IClassFixture<OperatedBlog>
{
    private const string Name = "post_details";

    private const string Reader = $"projections/{Name}";

    private OperationsService.OperationsServiceClient Operations => blog.Operations;

    [Fact]
    public async Task A_bad_event_is_parked_listed_retried_and_skipped()
    {
        var healthy = await blog.CreateAsync();
        await blog.CatchUpAsync();
        Assert.Equal([(1, TableGenerationState.Live)], await blog.GenerationStatesAsync(Name));
        blog.ExpectError("failed on the events from position");
        blog.ExpectError("parks event");

        // What a disk or a fault in the projection would do: rows with this title cannot be written.
        foreach (var verb in new[] { "INSERT", "UPDATE" })
        {
            await blog.MeddleAsync($"CREATE TRIGGER poison_{verb} BEFORE {verb} ON post_details_g1 WHEN NEW.title = 'Poison' BEGIN SELECT RAISE(ABORT, 'poisoned'); END");
        }

        var bad = (await blog.CreateAsync("Poison")).PostId;
        var token = (await blog.Commands.PublishPostAsync(new() { PostId = bad })).ConsistencyToken;
        var other = (await blog.CreateAsync("Poison")).PostId;
        await OperatedBlog.UntilAsync(async () => (await Operations.ListParkedEventsAsync(new())).Events.Count == 3);

        var parked = (await Operations.ListParkedEventsAsync(new() { Reader = Reader })).Events;
        Assert.Equal(
            [(Reader, 2L, $"post-{bad}", "blog.post-created"), (Reader, 3L, $"post-{bad}", "blog.post-published"), (Reader, 4L, $"post-{other}", "blog.post-created")],
            parked.Select(one => (one.Reader, one.Position, one.Stream, one.EventType)));
        Assert.Contains("poisoned", parked[0].Error, StringComparison.Ordinal);
        Assert.Equal((2, "", 0), (parked[0].Attempts, parked[1].Error, parked[1].Attempts));
        Assert.Equal(3, (await blog.GenerationsAsync(Name))[0].ParkedEvents);
        Assert.Empty((await Operations.ListParkedEventsAsync(new() { Reader = "projections/post_list" })).Events);
        await AssertPagesAsync(parked);

        // Queries that would need it say so; all others are answered.
        var refusal = (await Refusal.OfAsync(blog.Queries.GetPostAsync(new() { PostId = bad, ConsistencyToken = token }))).Is(EngineErrors.ProjectionParked);
        Assert.Equal((StatusCode.Unavailable, true), (refusal.Status, refusal.Detail<RetryInfo>() is not null));
        Assert.Equal(healthy.PostId, (await blog.GetAsync(healthy.PostId, token)).PostId);

        Assert.Equal(new RetryParkedEventsResponse { ParkedStreams = 2 }, await Operations.RetryParkedEventsAsync(new() { Reader = Reader }));
        (await Refusal.OfAsync(Operations.SkipParkedEventAsync(new() { Reader = Reader, Position = 3 }))).Is(EngineErrors.NothingParked);
        (await Refusal.OfAsync(Operations.SkipParkedEventAsync(new() { Reader = Reader, Position = 1 }))).Is(EngineErrors.NothingParked);
        (await Refusal.OfAsync(Operations.SkipParkedEventAsync(new() { Reader = Reader, Position = 99 }))).Is(EngineErrors.NothingParked);
        await Operations.SkipParkedEventAsync(new() { Reader = Reader, Position = 4 });
        var skipped = Assert.Single((await Operations.ListSkippedEventsAsync(new())).Events);
        Assert.Equal((Reader, 4L, $"post-{other}", "blog.post-created", "anonymous"), (skipped.Reader, skipped.Position, skipped.Stream, skipped.EventType, skipped.User));

        await blog.MeddleAsync("DROP TRIGGER poison_INSERT; DROP TRIGGER poison_UPDATE;");
        Assert.Equal(
            new RetryParkedEventsResponse { EventCount = 2 },
            await Operations.RetryParkedEventsAsync(new() { Reader = Reader, Stream = $"post-{bad}" }));
        Assert.Equal((V1.PostStatus.Published, 2L), await blog.GetAsync(bad, token) is var post ? (post.Status, post.Version) : default);
        (await Refusal.OfAsync(blog.Queries.GetPostAsync(new() { PostId = other }))).Is(PostErrors.NotFound);
        Assert.Empty((await Operations.ListParkedEventsAsync(new())).Events);
    }

    private async Task AssertPagesAsync(IReadOnlyList<ParkedEvent> all)
    {
        var (seen, token) = (new List<ParkedEvent>(), "");
        do
        {
            var page = await Operations.ListParkedEventsAsync(new() { PageSize = 1, PageToken = token });
            seen.AddRange(page.Events);
            token = page.NextPageToken;
        }
        while (token.Length > 0);
        Assert.Equal(all, seen);
        (await Refusal.OfAsync(Operations.ListParkedEventsAsync(new() { PageToken = "forged" }))).Is(EngineErrors.PageTokenInvalid, "page_token");
    }
}

/// <summary>The read model compared with its events, and repaired.</summary>
public sealed class DriftTests(OperatedBlog blog) : IClassFixture<OperatedBlog>
{
    private OperationsService.OperationsServiceClient Operations => blog.Operations;

    [Fact]
    public async Task An_audit_finds_what_was_changed_by_hand_a_replay_repairs_it_and_a_second_audit_finds_nothing()
    {
        var created = new List<string>();
        for (var number = 0; number < 30; number++)
        {
            created.Add((await blog.CreateAsync($"Post {number}", tags: "drift")).PostId);
        }

        await blog.CatchUpAsync();
        var head = (await Operations.ListProjectionsAsync(new())).HeadPosition;
        Assert.Equal((30, 0), await AuditAsync(new() { AllStreams = true }) is var clean ? (clean.Streams, clean.DriftCount) : default);

        var id = created[7];
        await blog.MeddleAsync("UPDATE post_list_g1 SET title = 'Drifted' WHERE post_id = @id", new { id });
        var audit = await AuditAsync(new() { AllStreams = true });
        Assert.Equal(
            new Drift { Projection = "post_list", Rows = "post_list", Stream = $"post-{id}", Position = head, Field = "title", Found = "Drifted", Expected = "Post 7" },
            Assert.Single(audit.Drifts));
        Assert.Equal((1, OperationKind.Audit, "anonymous", ""), (audit.DriftCount, audit.Kind, audit.User, audit.Error));
        Assert.Equal("Drifted", await TitleAsync(id));

        var replay = await blog.EndOfAsync((await Operations.ReplayStreamsAsync(new() { Projections = { "post_list" }, Stream = $"post-{id}" })).OperationId);
        Assert.Equal((OperationKind.Replay, OperationState.Succeeded, 1), (replay.Kind, replay.State, replay.Streams));
        Assert.Equal(["post_list"], replay.Projections);
        Assert.Equal("Post 7", await TitleAsync(id));
        Assert.Equal(0, (await AuditAsync(new() { AllStreams = true })).DriftCount);

        // A missing row, found as a whole, and repaired with a range over all streams.
        await blog.MeddleAsync("DELETE FROM post_details_g1 WHERE post_id = @id", new { id });
        var missing = Assert.Single((await AuditAsync(new() { Projections = { "post_details" }, AllStreams = true })).Drifts);
        Assert.Equal(("post_details", "", false, true), (missing.Projection, missing.Field, missing.HasFound, missing.HasExpected));
        var order = created.Order(StringComparer.Ordinal).ToArray();
        var range = await blog.EndOfAsync((await Operations.ReplayStreamsAsync(new() { Stream = $"post-{order[0]}", LastStream = $"post-{order[^1]}" })).OperationId);
        Assert.Equal(30, range.Streams);
        Assert.Equal(0, (await AuditAsync(new() { AllStreams = true })).DriftCount);
        Assert.Equal(100, (await AuditAsync(new())).Streams);
        Assert.Equal(7, (await AuditAsync(new() { SampleSize = 7 })).Streams);
    }

    [Fact]
    public async Task A_projection_that_does_not_exist_is_neither_replayed_nor_audited()
    {
        (await Refusal.OfAsync(Operations.AuditReadModelAsync(new() { Projections = { "nothing" } }))).Is(EngineErrors.ProjectionNotFound);
        var refusal = (await Refusal.OfAsync(Operations.ReplayStreamsAsync(new() { Projections = { "nothing" }, Stream = "post-1" }))).Is(EngineErrors.ProjectionNotFound);
        Assert.Equal(("projections", "projections/nothing"), refusal.Detail<ResourceInfo>() is { } resource ? (resource.ResourceType, resource.ResourceName) : default);
    }

    private async Task<Operation> AuditAsync(AuditReadModelRequest request) =>
        await blog.EndOfAsync((await Operations.AuditReadModelAsync(request)).OperationId);

    private async Task<string> TitleAsync(string id) =>
        (await blog.Queries.ListPostsAsync(new() { PageSize = 100 })).Posts.Single(post => post.PostId == id).Title;
}

/// <summary>A service that audits itself without pause.</summary>
public sealed class SelfAuditingBlog : OperatedBlog
{
    protected override IEnumerable<string> Settings => [.. base.Settings, "--Jobs:AuditSchedule=* * * * * *", "--Jobs:AuditSample=3"];
}

/// <summary>The audit that nobody asks for.</summary>
public sealed class AuditJobTests(SelfAuditingBlog blog) : IClassFixture<SelfAuditingBlog>
{
    [Fact]
    public async Task The_job_audits_a_sample()
    {
        await blog.CreateAsync();
        await OperatedBlog.UntilAsync(async () => (await blog.Operations.ListOperationsAsync(new())).Operations.Any(
            operation => operation is { Kind: OperationKind.Audit, User: "audit-read-model", State: OperationState.Succeeded, Streams: 3, DriftCount: 0 }));
    }
}
