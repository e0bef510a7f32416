using Blog.V1;
using GrpcCqrs.Storage.Tests;
using Xunit;

namespace Blog.Tests.Service;

public abstract class ReadYourWritesSpecs<TStores>(BlogOn<TStores> fixture) : IClassFixture<BlogOn<TStores>>
    where TStores : IStoreFixture, IDisposable, new()
{
    private readonly BlogOn<TStores> blog = fixture.OrSkip();

    private const int Clients = 8;
    private const int RoundsPerClient = 30;

    [SkippableFact]
    public async Task A_created_post_is_found_by_id_and_by_slug()
    {
        var request = PostCalls.NewPost("Ёжик & Hedgehog", "# 内容\r\n\r\ncafe\u0301 🦀 \uFEFF\u0085 end ", "Ада", "Rust", "c#");
        request.Slug = "hedgehog";
        request.PostId = "0199B6F0-5F5E-7CC1-8F6E-1F0F3F0C2D11";
        var created = await blog.Commands.CreatePostAsync(request);
        Assert.Equal(("0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11", 1, "hedgehog"), (created.PostId, created.Version, created.Slug));

        var byId = await blog.GetAsync(request.PostId, created.ConsistencyToken);
        var bySlug = await blog.Queries.GetPostAsync(new GetPostRequest { Slug = "hedgehog", ConsistencyToken = created.ConsistencyToken });
        Assert.Equal(byId, bySlug.Post);
        Assert.Equal(byId.CreateTime, byId.UpdateTime);
        Assert.Equal(
            new Post
            {
                PostId = created.PostId,
                Slug = "hedgehog",
                Title = request.Title,
                Content = request.Content,
                Author = "Ада",
                Tags = { "c#", "rust" },
                Status = PostStatus.Draft,
                Version = 1,
                CreateTime = byId.CreateTime,
                UpdateTime = byId.CreateTime,
            },
            byId);
    }

    [SkippableFact]
    public async Task Every_client_sees_each_of_its_writes_at_once()
    {
        await Task.WhenAll(Enumerable.Range(1, Clients).Select(WriteAndReadAsync));
        return;

        async Task WriteAndReadAsync(int client)
        {
            using var channel = blog.NewChannel();
            var commands = new PostCommandService.PostCommandServiceClient(channel);
            var queries = new PostQueryService.PostQueryServiceClient(channel);
            var author = $"client-{client}";
            var created = await commands.CreatePostAsync(PostCalls.NewPost($"Title of {client}", author: author));
            for (var round = 1; round <= RoundsPerClient; round++)
            {
                var title = $"Round {round} of {client}";
                var changed = await commands.ChangePostTitleAsync(new ChangePostTitleRequest { PostId = created.PostId, Title = title });
                var token = changed.ConsistencyToken;
                var read = await queries.GetPostAsync(new GetPostRequest { PostId = created.PostId, ConsistencyToken = token });
                Assert.Equal((title, changed.Version), (read.Post.Title, read.Post.Version));

                var listed = await queries.ListPostsAsync(new ListPostsRequest { Author = author, ConsistencyToken = token });
                Assert.Equal((title, changed.Version), (listed.Posts.Single().Title, listed.Posts.Single().Version));

                var found = await queries.SearchPostsAsync(new SearchPostsRequest { Query = $"\"{title}\"", ConsistencyToken = token });
                Assert.Equal(created.PostId, Assert.Single(found.Hits).Post.PostId);
            }
        }
    }

    [SkippableFact]
    public async Task Every_query_takes_the_token()
    {
        var created = await blog.CreateAsync("All queries", tags: "all-queries");
        var (id, token) = (created.PostId, created.ConsistencyToken);
        Assert.Contains((await blog.Queries.ListPostsAsync(new() { Tag = "all-queries", ConsistencyToken = token })).Posts, post => post.PostId == id);
        Assert.Contains((await blog.Queries.ListTagsAsync(new() { Prefix = "all-queries", ConsistencyToken = token })).Tags, tag => tag.PostCount == 1);
        Assert.Single((await blog.Queries.GetPostHistoryAsync(new() { PostId = id, ConsistencyToken = token })).Entries);
        Assert.Equal(1, (await blog.Queries.GetPostAsOfAsync(new() { PostId = id, Version = 1, ConsistencyToken = token })).Post.Version);
    }
}

public sealed class ReadYourWritesTests(BlogOn<SqliteFixture> fixture) : ReadYourWritesSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlReadYourWritesTests(BlogOn<WholePostgreSqlFixture> fixture) : ReadYourWritesSpecs<WholePostgreSqlFixture>(fixture);

public sealed class SqlServerReadYourWritesTests(BlogOn<WholeSqlServerFixture> fixture) : ReadYourWritesSpecs<WholeSqlServerFixture>(fixture);
