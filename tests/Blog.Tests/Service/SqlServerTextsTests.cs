using System.Data.Common;
using Blog.Tests.Service;
using Blog.V1;
using GrpcCqrs.Operations.V1;
using GrpcCqrs.Storage;
using GrpcCqrs.Storage.Tests;
using Microsoft.AspNetCore.Hosting;
using Xunit;

// A service that is started with the setting hostingStartupAssemblies=Blog.Tests gets the dialect that needs no server.
[assembly: HostingStartup(typeof(SqlServerTextsStartup))]

namespace Blog.Tests.Service;

/// <summary>Puts <see cref="SqlServerTexts"/> before the real dialect of the same name.</summary>
public sealed class SqlServerTextsStartup : IHostingStartup
{
    public void Configure(IWebHostBuilder builder) =>
        builder.ConfigureServices(services => services.AddDatabaseProvider(new SqlServerTexts("SqlServer")));
}

/// <summary>Stores of a whole service whose texts are SQL Server's. It fails the class for a text that is not.</summary>
public sealed class SqlServerTextsStores : IStoreFixture, IDisposable
{
    private readonly SqliteFixture files = new();

    public IReadOnlyDictionary<string, string?> NewStore() => new Dictionary<string, string?>(files.NewStore(), StringComparer.Ordinal)
    {
        ["Jobs:Storage"] = "Memory", // Its name is SqlServer, but there is none.
        ["hostingStartupAssemblies"] = typeof(SqlServerTextsStores).Assembly.GetName().Name,
        ["Storage:Write:Provider"] = "SqlServer",
        ["Storage:Read:Provider"] = "SqlServer",
    };

    public Task RefuseCorrelationAsync(DbConnection connection, string correlationId) => files.RefuseCorrelationAsync(connection, correlationId);

    public Task<DbException> TransientErrorAsync(DbConnection connection) => files.TransientErrorAsync(connection);

    public void Dispose()
    {
        files.Dispose();
        SqlServerTexts.AssertNoFaults();
    }
}

public sealed class SqlServerTextsSearchPostsTests(SearchablePosts<SqlServerTextsStores> fixture) : SearchPostsSpecs<SqlServerTextsStores>(fixture);

public sealed class SqlServerTextsListPostsTests(ListedPosts<SqlServerTextsStores> fixture) : ListPostsSpecs<SqlServerTextsStores>(fixture);

public sealed class SqlServerTextsListTagsTests(BlogOn<SqlServerTextsStores> fixture) : ListTagsSpecs<SqlServerTextsStores>(fixture);

public sealed class SqlServerTextsReadYourWritesTests(BlogOn<SqlServerTextsStores> fixture) : ReadYourWritesSpecs<SqlServerTextsStores>(fixture);

/// <summary>The statements of a service that the queries' specs do not send.</summary>
public sealed class SqlServerTextsTests(BlogOn<SqlServerTextsStores> blog) : IClassFixture<BlogOn<SqlServerTextsStores>>
{
    [Fact]
    public async Task Every_projection_query_and_operation_runs_on_SQL_Servers_texts()
    {
        var token = await WriteAsync();
        var authors = await blog.Queries.ListAuthorsAsync(new() { ConsistencyToken = token, Prefix = "A", PageSize = 1 });
        Assert.Equal(("Ada", 11L), (authors.Authors[0].Name, authors.Authors[0].PostCount));
        var others = await blog.Queries.ListAuthorsAsync(new() { Prefix = "A", PageSize = 1, PageToken = authors.NextPageToken });
        Assert.Equal("Anna", Assert.Single(others.Authors).Name);
        Assert.NotEmpty((await blog.Queries.ListDailyActivityAsync(new() { ConsistencyToken = token })).Days);

        using var watch = blog.Queries.WatchPosts(new WatchPostsRequest { Author = "Ada" });
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));

        var operations = new OperationsService.OperationsServiceClient(blog.Channel);
        await operations.RebuildProjectionsAsync(new());
        await OperatedBlog.UntilAsync(async () => (await operations.ListProjectionsAsync(new())).Projections.All(
            projection => projection.Generations is [{ State: TableGenerationState.Live, Note: "" }, { State: TableGenerationState.Previous }]));

        // The other set of tables takes events too, and the states of before are loaded again.
        token = await WriteAsync();
        Assert.Equal(22, (await blog.Queries.ListAuthorsAsync(new() { ConsistencyToken = token })).Authors[0].PostCount);
        Assert.NotEmpty((await operations.ListAuditEntriesAsync(new() { User = "anonymous", CommandType = "CreatePost" })).Entries);
    }

    /// <summary>Each command, and more posts at once than a statement loads one by one.</summary>
    private async Task<string> WriteAsync()
    {
        var created = await Task.WhenAll(Enumerable.Range(0, 11).Select(number => blog.CreateAsync($"Post {number}", tags: "one")));
        var gone = await blog.CreateAsync(author: "Anna");
        await Task.WhenAll(created.Select(post => CommandCall.SendAsync(blog, "EditPostContent", post.PostId)));
        foreach (var command in (string[])["ChangePostTitle", "AddPostTags", "RemovePostTags", "PublishPost", "UnpublishPost", "PublishPost", "ArchivePost", "RestorePost"])
        {
            await CommandCall.SendAsync(blog, command, created[0].PostId);
        }

        await blog.GetAsync(gone.PostId, gone.ConsistencyToken);
        return (await CommandCall.SendAsync(blog, "DeletePost", (await blog.CreateAsync()).PostId)).Token;
    }
}
