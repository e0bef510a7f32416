using Blog.Server;
using GrpcCqrs.Hosting;
using GrpcCqrs.Operations.V1;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>The operator's command line beside a running service.</summary>
public sealed class OperatorCommandTests(OperatedBlog blog) : IClassFixture<OperatedBlog>
{
    [Fact]
    public async Task Projections_are_printed_as_a_table_and_rebuilt()
    {
        await blog.CreateAsync();
        await blog.CatchUpAsync();
        var (code, text) = await RunAsync("projections");
        Assert.Equal(0, code);
        Assert.All(blog.ProjectionNames, name => Assert.Contains($"\n{name} ", text, StringComparison.Ordinal));
        Assert.Contains("Live", text, StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync("rebuild", "post_list", "tag_counts")).Code);
        await OperatedBlog.UntilAsync(async () => (await blog.GenerationsAsync("tag_counts")) is [{ State: TableGenerationState.Live }, { State: TableGenerationState.Previous }]);
        Assert.Equal(0, (await RunAsync("rebuild", "post_details", "--hold")).Code);
        (code, text) = await RunAsync("rebuild", "nothing");
        Assert.Equal(1, code);
        Assert.StartsWith("PROJECTION_NOT_FOUND", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Parked_events_are_printed_and_what_is_not_parked_is_not_skipped()
    {
        Assert.StartsWith("reader  position", (await RunAsync("parked")).Text, StringComparison.Ordinal);
        Assert.Equal((0, "applied 0 events; 0 streams are still parked\n"), await RunAsync("retry", "post_list"));
        var (code, text) = await RunAsync("skip", "post_list", "1");
        Assert.Equal(1, code);
        Assert.StartsWith("NOTHING_PARKED", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_audit_is_waited_for_and_prints_what_it_found()
    {
        var id = (await blog.CreateAsync("Right")).PostId;
        await blog.CatchUpAsync();
        Assert.Equal(0, (await RunAsync("audit", "--all")).Code);

        var generation = (await blog.GenerationStatesAsync("post_details"))[0].Generation;
        await blog.MeddleAsync($"UPDATE {GrpcCqrs.EventSourcing.GenerationNames.NameIn(generation, "post_details")} SET title = 'Wrong' WHERE post_id = @id", new { id });
        var (code, text) = await RunAsync("audit", "--all");
        Assert.Equal(1, code);
        Assert.Contains($"post_details post_details post-{id} at ", text, StringComparison.Ordinal);
        Assert.Contains("title: found Wrong, expected Right\n", text, StringComparison.Ordinal);
        await blog.EndOfAsync((await blog.Operations.ReplayStreamsAsync(new() { Stream = $"post-{id}" })).OperationId);
    }

    [Fact]
    public async Task Where_no_service_runs_a_request_says_so_and_what_is_stored_is_printed()
    {
        var directory = Directory.CreateTempSubdirectory("blog-tests-").FullName;
        try
        {
            await (await SecondBlog.StartAsync(directory)).DisposeAsync();
            string[] impatient = [$"--Storage:Directory={directory}", "--Projections:MaxTokenWait=00:00:00.050", "--Projections:LeaseDuration=00:00:00.100"];
            var (code, text) = await RunAsync(["rebuild", "all", .. impatient]);
            Assert.Equal(1, code);
            Assert.StartsWith("PROJECTOR_SILENT", text, StringComparison.Ordinal);
            Assert.Contains("projector none", (await RunAsync(["projections", .. impatient])).Text, StringComparison.Ordinal);
        }
        finally
        {
            Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
            CleanUp.DeleteDirectory(directory);
        }
    }

    [Theory]
    [InlineData(new[] { "schema", "--script" }, "_g1")]
    [InlineData(new[] { "schema", "--script", "7" }, "_g7")]
    public async Task The_schema_is_printed_with_the_generation_that_is_asked_for(string[] words, string suffix)
    {
        var (code, text) = await RunAsync(words);
        Assert.Equal(0, code);
        Assert.Contains("CREATE TABLE \"events\"", text, StringComparison.Ordinal);
        Assert.Contains($"CREATE TABLE \"post_list{suffix}\"", text, StringComparison.Ordinal);
        Assert.Contains($"CREATE VIRTUAL TABLE post_search{suffix}", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rebuld", "all")]
    [InlineData("rebuild")]
    [InlineData("skip", "post_list", "first")]
    [InlineData("schema")]
    [InlineData("schema", "--script", "none")]
    public async Task What_is_not_understood_starts_no_service_but_tells_what_is(params string[] words)
    {
        var (code, text) = await RunAsync(words);
        Assert.Equal(2, code);
        Assert.Contains("rebuild NAME...|all [--hold]", text, StringComparison.Ordinal);
    }

    private async Task<(int Code, string Text)> RunAsync(params string[] args)
    {
        await using var output = new StringWriter { NewLine = "\n" };
        string[] settings = Array.Exists(args, arg => arg.StartsWith("--Storage", StringComparison.Ordinal)) ? [] : [$"--Storage:Directory={blog.DataDirectory}"];
        var code = await OperatorCommands.RunAsync(BlogHost.Build, [.. args, .. settings, "--Logging:LogLevel:Default=Warning"], output);
        return (code, output.ToString());
    }
}
