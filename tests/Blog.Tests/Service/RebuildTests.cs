using Blog.V1;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Operations.V1;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>The read model filled anew beside itself, by calls of an operator.</summary>
public sealed class RebuildTests(OperatedBlog blog) : IClassFixture<OperatedBlog>
{
    private const int Posts = 60;

    private OperationsService.OperationsServiceClient Operations => blog.Operations;

    [Fact]
    public async Task Every_projection_is_listed_with_its_live_tables()
    {
        await blog.CreateAsync();
        await blog.CatchUpAsync();
        var listed = await Operations.ListProjectionsAsync(new());
        Assert.Equal(blog.ProjectionNames, listed.Projections.Select(projection => projection.Name));
        Assert.True(listed.AnsweredByProjector);
        Assert.NotEmpty(listed.Projector);
        Assert.All(listed.Projections, projection =>
        {
            var set = projection.Generations[0];
            Assert.Equal((TableGenerationState.Live, listed.HeadPosition, 0, 0, ""), (set.State, set.Position, set.LagEvents, set.FailedAttempts, set.LastError));
            Assert.True(set.Version > 0);
            Assert.NotNull(set.ProgressTime);
            Assert.Null(set.TimeLeft);
        });
    }

    [Fact]
    public async Task A_rebuild_of_everything_switches_under_running_queries_and_is_taken_back_and_dropped()
    {
        var author = $"rebuild-{PostCalls.NewId()}";
        var token = "";
        for (var number = 0; number < Posts; number++)
        {
            token = (await blog.CreateAsync($"Post {number}", author: author, tags: "rebuild")).ConsistencyToken;
        }

        await AskAsync(token);
        var before = (await blog.GenerationStatesAsync("post_list"))[0].Generation;
        using var stop = new CancellationTokenSource();
        var queries = Task.WhenAll(Enumerable.Range(0, 3).Select(_ => AskUntilStoppedAsync()));

        await Operations.RebuildProjectionsAsync(new());
        await OperatedBlog.UntilAsync(async () => (await Operations.ListProjectionsAsync(new())).Projections.All(
            projection => projection.Generations is [{ State: TableGenerationState.Live, Note: "" }, { State: TableGenerationState.Previous }]));
        var after = (await blog.GenerationStatesAsync("post_list"))[0].Generation;
        Assert.True(after > before);
        Assert.Equal([(after, TableGenerationState.Live), (before, TableGenerationState.Previous)], await blog.GenerationStatesAsync("post_list"));

        // Both sets take new events, so that the way back is no way back in time.
        token = (await blog.CreateAsync("One more", author: author, tags: "rebuild")).ConsistencyToken;
        await Operations.RollBackProjectionAsync(new() { Projection = "post_list" });
        Assert.Equal([(before, TableGenerationState.Live), (after, TableGenerationState.Previous)], await blog.GenerationStatesAsync("post_list"));
        var listed = await blog.Queries.ListPostsAsync(new() { Author = author, PageSize = 100, ConsistencyToken = token });
        Assert.Equal(Posts + 1, listed.Posts.Count);

        foreach (var name in blog.ProjectionNames)
        {
            await Operations.DropPreviousTablesAsync(new() { Projection = name });
            (await Refusal.OfAsync(Operations.DropPreviousTablesAsync(new() { Projection = name }))).Is(EngineErrors.RebuildNotReady);
            (await Refusal.OfAsync(Operations.RollBackProjectionAsync(new() { Projection = name }))).Is(EngineErrors.RebuildNotReady);
        }

        await OperatedBlog.UntilAsync(async () => (await Operations.ListProjectionsAsync(new())).Projections.All(
            projection => projection.Generations is [{ State: TableGenerationState.Live }]));
        await stop.CancelAsync();
        await queries;
        await AskAsync(token);

        async Task AskUntilStoppedAsync()
        {
            while (!stop.IsCancellationRequested)
            {
                await AskAsync(token);
            }
        }

        async Task AskAsync(string since)
        {
            var posts = (await blog.Queries.ListPostsAsync(new() { Author = author, PageSize = 100, ConsistencyToken = since })).Posts;
            Assert.InRange(posts.Count, Posts, Posts + 1);
            Assert.Equal(posts[0].Title, (await blog.Queries.GetPostAsync(new GetPostRequest { PostId = posts[0].PostId, ConsistencyToken = since })).Post.Title);
            Assert.InRange((await blog.Queries.ListTagsAsync(new() { Prefix = "rebuild", ConsistencyToken = since })).Tags.Single().PostCount, Posts, Posts + 1);
            Assert.NotEmpty((await blog.Queries.SearchPostsAsync(new() { Query = "content", ConsistencyToken = since })).Hits);
        }
    }

    [Fact]
    public async Task A_rebuilt_set_that_differs_is_held_until_somebody_switches()
    {
        var created = await blog.CreateAsync("Right");
        await blog.GetAsync(created.PostId, created.ConsistencyToken);
        await blog.CatchUpAsync();
        var live = (await blog.GenerationStatesAsync("post_details"))[0].Generation;
        await blog.MeddleAsync($"UPDATE {GenerationNames.NameIn(live, "post_details")} SET title = 'Wrong' WHERE post_id = @PostId", new { created.PostId });

        await Operations.RebuildProjectionsAsync(new() { Projections = { "post_details" }, HoldOnDifference = true });
        await OperatedBlog.UntilAsync(async () => (await blog.GenerationStatesAsync("post_details")).Any(one => one.Generation > live && one.State == TableGenerationState.AwaitingApproval));
        Assert.Contains("post_details", (await blog.GenerationsAsync("post_details"))[1].Note, StringComparison.Ordinal);
        Assert.Equal("Wrong", (await blog.GetAsync(created.PostId, "")).Title);
        (await Refusal.OfAsync(Operations.RebuildProjectionsAsync(new() { Projections = { "post_details" } }))).Is(EngineErrors.RebuildRunning);
        using (var http = new HttpClient())
        {
            var ready = await http.GetStringAsync(new Uri(blog.HttpAddress, "/health/ready"));
            Assert.Contains("Degraded", ready, StringComparison.Ordinal);
            Assert.Contains("The rebuilt tables of post_details differ", ready, StringComparison.Ordinal);
        }

        await Operations.SwitchProjectionAsync(new() { Projection = "post_details" });
        Assert.Equal("Right", (await blog.GetAsync(created.PostId, "")).Title);
        await Operations.DropPreviousTablesAsync(new() { Projection = "post_details" });
    }
}

/// <summary>A service whose rebuilds take an event at a time, ten a second.</summary>
public sealed class SlowlyRebuiltBlog : OperatedBlog
{
    protected override IEnumerable<string> Settings => [.. base.Settings, "--Projections:RebuildEventsPerSecond=10"];
}

/// <summary>What can be done while a rebuild is under way.</summary>
public sealed class RebuildControlTests(SlowlyRebuiltBlog blog) : IClassFixture<SlowlyRebuiltBlog>
{
    private const string Name = "post_list";

    private OperationsService.OperationsServiceClient Operations => blog.Operations;

    [Fact]
    public async Task A_rebuild_is_paused_resumed_and_cancelled()
    {
        for (var number = 0; number < 600; number += 20)
        {
            await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => blog.CreateAsync()));
        }

        await blog.CatchUpAsync();
        await RefusedWhileIdleAsync();
        await Operations.RebuildProjectionsAsync(new() { Projections = { Name } });
        await OperatedBlog.UntilAsync(async () => (await blog.GenerationsAsync(Name))[1] is { State: TableGenerationState.Building, TargetPosition: 600, EventsPerSecond: > 0, TimeLeft: not null });
        (await Refusal.OfAsync(Operations.RebuildProjectionsAsync(new()))).Is(EngineErrors.RebuildRunning);
        (await Refusal.OfAsync(Operations.ResumeRebuildAsync(new() { Projection = Name }))).Is(EngineErrors.RebuildNotReady);

        await Operations.PauseRebuildAsync(new() { Projection = Name });
        var paused = (await blog.GenerationsAsync(Name))[1];
        Assert.Equal(TableGenerationState.Paused, paused.State);
        Assert.Equal(600 - paused.Position, paused.LagEvents);
        (await Refusal.OfAsync(Operations.PauseRebuildAsync(new() { Projection = Name }))).Is(EngineErrors.RebuildNotReady);

        await Operations.ResumeRebuildAsync(new() { Projection = Name });
        await OperatedBlog.UntilAsync(async () => (await blog.GenerationsAsync(Name))[1].Position > paused.Position);
        await Operations.CancelRebuildAsync(new() { Projection = Name });
        await OperatedBlog.UntilAsync(async () => (await blog.GenerationsAsync(Name)).Count == 1);
        await RefusedWhileIdleAsync();

        var operations = (await Operations.ListOperationsAsync(new())).Operations;
        Assert.Contains(operations, operation => operation is { Kind: OperationKind.Cancel, State: OperationState.Succeeded, User: "anonymous", EndTime: not null });
        Assert.Contains(operations, operation => operation is { Kind: OperationKind.Pause, State: OperationState.Failed, ErrorReason: "REBUILD_NOT_READY" });
    }

    private async Task RefusedWhileIdleAsync()
    {
        (await Refusal.OfAsync(Operations.PauseRebuildAsync(new() { Projection = Name }))).Is(EngineErrors.RebuildNotReady);
        (await Refusal.OfAsync(Operations.ResumeRebuildAsync(new() { Projection = Name }))).Is(EngineErrors.RebuildNotReady);
        (await Refusal.OfAsync(Operations.CancelRebuildAsync(new() { Projection = Name }))).Is(EngineErrors.RebuildNotReady);
        (await Refusal.OfAsync(Operations.SwitchProjectionAsync(new() { Projection = Name }))).Is(EngineErrors.RebuildNotReady);
    }
}
