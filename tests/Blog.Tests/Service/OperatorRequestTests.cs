using Google.Rpc;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Operations.V1;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>What the operators' calls refuse, and which process serves them.</summary>
public sealed class OperatorRequestTests(OperatedBlog blog) : IClassFixture<OperatedBlog>
{
    private OperationsService.OperationsServiceClient Operations => blog.Operations;

    [Fact]
    public async Task Malformed_fields_are_named()
    {
        (await Refusal.OfAsync(Operations.RebuildProjectionsAsync(new() { Projections = { "post_list", "", "post_list" } })))
            .Is(EngineErrors.InvalidFields, "projections[1]", "projections[2]");
        (await Refusal.OfAsync(Operations.PauseRebuildAsync(new()))).Is(EngineErrors.InvalidFields, "projection");
        (await Refusal.OfAsync(Operations.ResumeRebuildAsync(new()))).Is(EngineErrors.InvalidFields, "projection");
        (await Refusal.OfAsync(Operations.CancelRebuildAsync(new()))).Is(EngineErrors.InvalidFields, "projection");
        (await Refusal.OfAsync(Operations.SwitchProjectionAsync(new()))).Is(EngineErrors.InvalidFields, "projection");
        (await Refusal.OfAsync(Operations.RollBackProjectionAsync(new()))).Is(EngineErrors.InvalidFields, "projection");
        (await Refusal.OfAsync(Operations.DropPreviousTablesAsync(new() { Projection = new string('p', 101) }))).Is(EngineErrors.InvalidFields, "projection");
        (await Refusal.OfAsync(Operations.ListParkedEventsAsync(new() { PageSize = 501 }))).Is(EngineErrors.InvalidFields, "page_size");
        (await Refusal.OfAsync(Operations.RetryParkedEventsAsync(new() { Stream = "nohyphen" }))).Is(EngineErrors.InvalidFields, "reader", "stream");
        (await Refusal.OfAsync(Operations.SkipParkedEventAsync(new()))).Is(EngineErrors.InvalidFields, "reader", "position");
        (await Refusal.OfAsync(Operations.ReplayStreamsAsync(new()))).Is(EngineErrors.InvalidFields, "stream");
        (await Refusal.OfAsync(Operations.ReplayStreamsAsync(new() { Stream = "Post-1", LastStream = "post-" }))).Is(EngineErrors.InvalidFields, "stream", "last_stream");
        (await Refusal.OfAsync(Operations.ReplayStreamsAsync(new() { Stream = "post-2", LastStream = "post-1" }))).Is(EngineErrors.InvalidFields, "last_stream");
        (await Refusal.OfAsync(Operations.ReplayStreamsAsync(new() { Stream = "post-" + new string('1', 101) }))).Is(EngineErrors.InvalidFields, "stream");
        (await Refusal.OfAsync(Operations.AuditReadModelAsync(new() { SampleSize = 0 }))).Is(EngineErrors.InvalidFields, "sample_size");
        (await Refusal.OfAsync(Operations.AuditReadModelAsync(new() { AllStreams = false }))).Is(EngineErrors.InvalidFields, "all_streams");
        (await Refusal.OfAsync(Operations.GetOperationAsync(new()))).Is(EngineErrors.InvalidFields, "operation_id");
        (await Refusal.OfAsync(Operations.ListOperationsAsync(new() { PageSize = -1 }))).Is(EngineErrors.InvalidFields, "page_size");
        (await Refusal.OfAsync(Operations.ListOperationsAsync(new() { PageToken = "forged" }))).Is(EngineErrors.PageTokenInvalid, "page_token");
    }

    [Fact]
    public async Task What_does_not_exist_is_not_found()
    {
        const string nothing = "nothing";
        var refusal = (await Refusal.OfAsync(Operations.RebuildProjectionsAsync(new() { Projections = { nothing } }))).Is(EngineErrors.ProjectionNotFound);
        Assert.Equal("projections/nothing", refusal.Detail<ResourceInfo>()!.ResourceName);
        (await Refusal.OfAsync(Operations.PauseRebuildAsync(new() { Projection = nothing }))).Is(EngineErrors.ProjectionNotFound);
        (await Refusal.OfAsync(Operations.ResumeRebuildAsync(new() { Projection = nothing }))).Is(EngineErrors.ProjectionNotFound);
        (await Refusal.OfAsync(Operations.CancelRebuildAsync(new() { Projection = nothing }))).Is(EngineErrors.ProjectionNotFound);
        (await Refusal.OfAsync(Operations.SwitchProjectionAsync(new() { Projection = nothing }))).Is(EngineErrors.ProjectionNotFound);
        (await Refusal.OfAsync(Operations.RollBackProjectionAsync(new() { Projection = nothing }))).Is(EngineErrors.ProjectionNotFound);
        (await Refusal.OfAsync(Operations.DropPreviousTablesAsync(new() { Projection = nothing }))).Is(EngineErrors.ProjectionNotFound);
        (await Refusal.OfAsync(Operations.ListParkedEventsAsync(new() { Reader = $"projections/{nothing}" }))).Is(EngineErrors.ProjectionNotFound);
        (await Refusal.OfAsync(Operations.RetryParkedEventsAsync(new() { Reader = $"projections/{nothing}" }))).Is(EngineErrors.ProjectionNotFound);
        (await Refusal.OfAsync(Operations.SkipParkedEventAsync(new() { Reader = $"projections/{nothing}", Position = 1 }))).Is(EngineErrors.ProjectionNotFound);
        (await Refusal.OfAsync(Operations.GetOperationAsync(new() { OperationId = long.MaxValue }))).Is(EngineErrors.OperationNotFound);
    }

    [Fact]
    public async Task Operations_are_listed_by_page_the_newest_first()
    {
        for (var number = 0; number < 3; number++)
        {
            await Operations.RetryParkedEventsAsync(new() { Reader = "projections/post_list" });
        }

        var all = (await Operations.ListOperationsAsync(new())).Operations;
        Assert.Equal(all.OrderByDescending(operation => operation.OperationId), all);
        var first = await Operations.ListOperationsAsync(new() { PageSize = 2 });
        var second = await Operations.ListOperationsAsync(new() { PageSize = 1, PageToken = first.NextPageToken });
        Assert.Equal(all.Take(3), [.. first.Operations, .. second.Operations]);
        Assert.Equal(all[0], (await Operations.GetOperationAsync(new() { OperationId = all[0].OperationId })).Operation);
        Assert.Equal((OperationKind.Retry, OperationState.Succeeded), (all[0].Kind, all[0].State));
    }

    [Fact]
    public async Task A_process_that_only_follows_tells_the_same_and_passes_requests_on()
    {
        await blog.CreateAsync();
        await blog.CatchUpAsync();
        var follower = await SecondBlog.StartAsync(blog.DataDirectory, "--Node:Role=Query");
        try
        {
            await OperatedBlog.UntilAsync(async () =>
                (await follower.Operations.ListProjectionsAsync(new())).Projections.All(projection => projection.Generations[0].LagEvents == 0));
            var (told, own) = (await follower.Operations.ListProjectionsAsync(new()), await Operations.ListProjectionsAsync(new()));
            Assert.Equal((false, own.Projector, own.HeadPosition), (told.AnsweredByProjector, told.Projector, told.HeadPosition));
            Assert.Equal(Comparable(own), Comparable(told));

            await follower.Operations.RebuildProjectionsAsync(new() { Projections = { "tag_counts" } });
            await OperatedBlog.UntilAsync(async () => (await follower.GenerationsAsync("tag_counts")) is [{ State: TableGenerationState.Live }, { State: TableGenerationState.Previous }]);
            await follower.Operations.DropPreviousTablesAsync(new() { Projection = "tag_counts" });
        }
        finally
        {
            await follower.DisposeAsync();
        }

        static IEnumerable<(string, int, TableGenerationState, long)> Comparable(ListProjectionsResponse listed) =>
            listed.Projections.Select(projection => (projection.Name, projection.Generations[0].Version, projection.Generations[0].State, projection.Generations[0].Position));
    }

    [Fact]
    public async Task Where_nobody_projects_a_request_stays_until_somebody_does()
    {
        var directory = Directory.CreateTempSubdirectory("blog-tests-").FullName;
        var follower = await SecondBlog.StartAsync(
            directory, "--Node:Role=Query", "--Projections:MaxTokenWait=00:00:00.050", "--Projections:LeaseDuration=00:00:00.100");
        try
        {
            Assert.Equal("", (await follower.Operations.ListProjectionsAsync(new())).Projector);
            (await Refusal.OfAsync(follower.Operations.RebuildProjectionsAsync(new()))).Is(EngineErrors.ProjectorSilent);
            var waiting = Assert.Single((await follower.Operations.ListOperationsAsync(new())).Operations);
            Assert.Equal((OperationKind.Rebuild, OperationState.Running), (waiting.Kind, waiting.State));
            Assert.Null(waiting.EndTime);

            var projector = await SecondBlog.StartAsync(directory, "--Node:Role=Projector");
            try
            {
                Assert.Equal(OperationState.Succeeded, (await follower.EndOfAsync(waiting.OperationId)).State);
            }
            finally
            {
                await projector.DisposeAsync();
            }
        }
        finally
        {
            await follower.DisposeAsync();
            CleanUp.DeleteDirectory(directory);
        }
    }

    [Fact]
    public async Task A_node_without_a_read_database_says_so()
    {
        var commands = await SecondBlog.StartAsync(blog.DataDirectory, "--Node:Role=Command");
        try
        {
            (await Refusal.OfAsync(commands.Operations.ListProjectionsAsync(new()))).Is(EngineErrors.NoReadDatabase);
            (await Refusal.OfAsync(commands.Operations.RebuildProjectionsAsync(new()))).Is(EngineErrors.NoReadDatabase);
            Assert.True((await commands.Operations.VerifyEventLogAsync(new())).Intact);
        }
        finally
        {
            await commands.DisposeAsync();
        }
    }
}
