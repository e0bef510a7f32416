using System.Data.Common;
using Blog.Tests.Domain;
using Blog.Tests.Service;
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
        var authors = await blog.Queries.ListAuthorsAsync(new() { ConsistencyToken = token, Prefix = "E", PageSize = 1 });
        Assert.Equal(("Eleven", 11L), (authors.Authors[0].Name, authors.Authors[0].PostCount));
        var others = await blog.Queries.ListAuthorsAsync(new() { Prefix = "E", PageSize = 1, PageToken = authors.NextPageToken });
        Assert.Equal("Emma", Assert.Single(others.Authors).Name);
        foreach (var query in QueryCall.Names)
        {
            await AskAsync(query, token);
        }

        var operations = new OperationsService.OperationsServiceClient(blog.Channel);
        await operations.RebuildProjectionsAsync(new());
        await OperatedBlog.UntilAsync(async () => (await operations.ListProjectionsAsync(new())).Projections.All(
            projection => projection.Generations is [{ State: TableGenerationState.Live, Note: "" }, { State: TableGenerationState.Previous }]));

        // The other set of tables takes events too, and the states of before are loaded again.
        token = await WriteAsync();
        Assert.Equal(22, (await blog.Queries.ListAuthorsAsync(new() { ConsistencyToken = token, Prefix = "E" })).Authors[0].PostCount);
        Assert.NotEmpty((await operations.ListAuditEntriesAsync(new() { User = "anonymous", CommandType = "CreatePost" })).Entries);
    }

    /// <summary>Each command, and more posts at once than a statement loads one by one.</summary>
    private async Task<string> WriteAsync()
    {
        var created = await Task.WhenAll(Enumerable.Range(0, 11).Select(number => blog.CreateAsync($"Post {number}", author: "Eleven", tags: "one")));
        var other = await blog.CreateAsync(author: "Emma");
        await Task.WhenAll(created.Select(post => CommandCall.SendAsync(blog, "EditPostContent", post.PostId)));
        foreach (var command in PostCommands.OnAPost)
        {
            await CommandCall.StartAndSendAsync(blog, command);
            await CommandCall.StartAndSendAsync(blog, command);
        }

        await blog.GetAsync(other.PostId, other.ConsistencyToken);
        return (await CommandCall.StartAndSendAsync(blog, "DeletePost")).Token;
    }

    /// <summary>A query as it is, with each of its filters, and a second page where there is one.</summary>
    private async Task AskAsync(string query, string token)
    {
        var id = (await blog.CreateAsync()).PostId;
        await QueryCall.SendAsync(blog, query, QueryCall.Request(query, id).With("consistency_token", token));
        foreach (var field in QueryCall.FieldsOf(query).Where(field => QueryCall.IsFilter(field) && field.ContainingOneof is null && field.Name != "post_id"))
        {
            foreach (var value in QueryCall.OthersOf(query, field))
            {
                await QueryCall.SendAsync(blog, query, QueryCall.Request(query, id).With(field.Name, value));
            }
        }

        if (QueryCall.With("page_token").Contains(query, StringComparer.Ordinal))
        {
            await QueryCall.ListAsync(blog, query, QueryCall.Request(query, id), pageSize: 2);
        }
    }
}
