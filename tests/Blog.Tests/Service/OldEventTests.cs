using System.Text.Json.Nodes;
using Blog.Tests.Service;
using Blog.V1;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Operations.V1;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

[assembly: HostingStartup(typeof(OldEventsStartup))]

namespace Blog.Tests.Service;

/// <summary>Teaches the service an event that it never wrote: a post that was published as it was created, under other field names.</summary>
public sealed class OldEventsStartup : IHostingStartup
{
    internal const string OldType = "blog.post-born";

    public void Configure(IWebHostBuilder builder) => builder.ConfigureServices(services => services.AddEvents(EventTypeRegistry.Create(types => types
        .Upcast(OldType, 1, old => new JsonObject { ["title"] = (string)old["headline"]!, ["author"] = (string)old["by"]! })
        .Upcast(OldType, 2, old =>
        [
            new JsonEvent("blog.post-created", 1, new JsonObject
            {
                ["title"] = (string)old["title"]!, ["content"] = "Old content", ["slug"] = "old", ["author"] = (string)old["author"]!, ["tags"] = new JsonArray("old"),
            }),
            new JsonEvent("blog.post-published", 1, []),
        ]))));
}

/// <summary>A service whose log has events of shapes that are written no more.</summary>
public sealed class OldBlog : OperatedBlog
{
    protected override IEnumerable<string> Settings => [.. base.Settings, $"--hostingStartupAssemblies={typeof(OldBlog).Assembly.GetName().Name}"];
}

public sealed class OldEventTests(OldBlog blog) : IClassFixture<OldBlog>
{
    [Fact]
    public async Task Every_reader_sees_an_old_event_as_the_events_that_stand_for_it_today()
    {
        var id = PostCalls.NewId();
        var result = await blog.Services.GetRequiredService<IEventStore>().AppendAsync(
            new AppendRequest
            {
                Stream = new StreamId("post", id),
                ExpectedVersion = ExpectedVersion.None,
                Events = [new EventData(Guid.CreateVersion7(), OldEventsStartup.OldType, 1, """{"headline":"Born old","by":"Eve"}"""u8.ToArray())],
                Metadata = new EventMetadata(Guid.CreateVersion7(), "correlation", "causation", "eve"),
            },
            CancellationToken.None);
        var token = blog.TokenFor(Assert.IsType<AppendResult.Appended>(result).Position);

        // The projections.
        var post = await blog.GetAsync(id, token);
        Assert.Equal(("Born old", "Old content", "old", "Eve", PostStatus.Published, 1), (post.Title, post.Content, post.Slug, post.Author, post.Status, post.Version));
        Assert.Equal(post.CreateTime, post.PublishTime);
        await AssertReadModelAsync();

        // Time travel by version and by time, and the history.
        Assert.Equal(post, (await blog.Queries.GetPostAsOfAsync(new() { PostId = id, Version = 1 })).Post);
        Assert.Equal(post, (await blog.Queries.GetPostAsOfAsync(new() { PostId = id, Time = post.CreateTime })).Post);
        var entry = Assert.Single(await blog.HistoryAsync(id));
        Assert.Equal("Created as a draft titled “Born old” by Eve. Published.", entry.Summary);

        // The aggregate, and the read model folded anew.
        Assert.Equal(2, (await CommandCall.SendAsync(blog, "ArchivePost", id)).Version);
        await blog.Operations.RebuildProjectionsAsync(new() { HoldOnDifference = true });
        await OperatedBlog.UntilAsync(async () => (await blog.Operations.ListProjectionsAsync(new())).Projections.All(
            projection => projection.Generations is [{ State: TableGenerationState.Live, Note: "" }, { State: TableGenerationState.Previous }]));
        await AssertReadModelAsync();

        async Task AssertReadModelAsync()
        {
            Assert.Equal(id, Assert.Single((await blog.Queries.ListPostsAsync(new() { Tag = "old", ConsistencyToken = token })).Posts).PostId);
            Assert.Equal(id, Assert.Single((await blog.Queries.SearchPostsAsync(new() { Query = "born" })).Hits).Post.PostId);
            Assert.Equal("Eve", Assert.Single((await blog.Queries.ListAuthorsAsync(new())).Authors).Name);
            Assert.Equal((1, 1), (await blog.Queries.ListDailyActivityAsync(new())).Days.Select(day => (day.CreatedCount, day.PublishedCount)).Single());
        }
    }
}
