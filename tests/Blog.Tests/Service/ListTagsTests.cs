using Blog.V1;
using GrpcCqrs.Storage.Tests;
using Xunit;

namespace Blog.Tests.Service;

public abstract class ListTagsSpecs<TStores>(BlogOn<TStores> fixture) : IClassFixture<BlogOn<TStores>>
    where TStores : IStoreFixture, IDisposable, new()
{
    private readonly BlogOn<TStores> blog = fixture.OrSkip();

    [SkippableFact]
    public async Task Counts_follow_a_post_through_its_life()
    {
        var id = (await blog.CreateAsync(tags: ["life-a", "life-b"])).PostId;
        var other = await blog.CreateAsync(tags: "life-b");
        await AssertTagsAsync("life", other.ConsistencyToken, ("life-a", 1, 0), ("life-b", 2, 0));
        await AssertTagsAsync("life", await blog.PublishAsync(id), ("life-a", 1, 1), ("life-b", 2, 1));

        var added = await blog.Commands.AddPostTagsAsync(new() { PostId = id, Tags = { "life-c", "life-a" } });
        await AssertTagsAsync("life", added.ConsistencyToken, ("life-a", 1, 1), ("life-b", 2, 1), ("life-c", 1, 1));
        var removed = await blog.Commands.RemovePostTagsAsync(new() { PostId = id, Tags = { "life-a" } });
        await AssertTagsAsync("life", removed.ConsistencyToken, ("life-b", 2, 1), ("life-c", 1, 1));

        var unpublished = await blog.Commands.UnpublishPostAsync(new() { PostId = id });
        await AssertTagsAsync("life", unpublished.ConsistencyToken, ("life-b", 2, 0), ("life-c", 1, 0));
        await blog.PublishAsync(id);
        var archived = await blog.Commands.ArchivePostAsync(new() { PostId = id });
        await AssertTagsAsync("life", archived.ConsistencyToken, ("life-b", 2, 0), ("life-c", 1, 0));
        await AssertTagsAsync("life", await blog.PublishAsync(id), ("life-b", 2, 1), ("life-c", 1, 1));

        var restored = await blog.Commands.RestorePostAsync(new() { PostId = id, Version = 1 });
        await AssertTagsAsync("life", restored.ConsistencyToken, ("life-a", 1, 0), ("life-b", 2, 0));
        await blog.PublishAsync(id);
        var deleted = await blog.Commands.DeletePostAsync(new() { PostId = id });
        await AssertTagsAsync("life", deleted.ConsistencyToken, ("life-b", 1, 0));
        var last = await blog.Commands.DeletePostAsync(new() { PostId = other.PostId });
        await AssertTagsAsync("life", last.ConsistencyToken);
    }

    [SkippableFact]
    public async Task A_prefix_is_normalised_and_matches_beginnings_only()
    {
        var token = (await blog.CreateAsync(tags: ["prefix", "prefix-x", "prefixé", "prefix題", "prefix𠀀", "pre", "xprefix"])).ConsistencyToken;
        await AssertTagsAsync(" PREFIX ", token, ("prefix", 1, 0), ("prefix-x", 1, 0), ("prefixé", 1, 0), ("prefix題", 1, 0), ("prefix𠀀", 1, 0));
        await AssertTagsAsync("prefix-", token, ("prefix-x", 1, 0));
        await AssertTagsAsync("prefix-xy", token);
    }

    [SkippableFact]
    public async Task Pages_put_together_are_the_whole_list()
    {
        string[] tags = [.. Enumerable.Range(0, 11).Select(number => $"page-{number:00}")];
        var token = (await blog.CreateAsync(tags: tags)).ConsistencyToken;
        foreach (var pageSize in (int[])[1, 4, 11, 12])
        {
            var names = new List<string>();
            var request = new ListTagsRequest { Prefix = "page-", PageSize = pageSize, ConsistencyToken = token };
            do
            {
                var page = await blog.Queries.ListTagsAsync(request);
                names.AddRange(page.Tags.Select(tag => tag.Name));
                request.PageToken = page.NextPageToken;
            }
            while (request.PageToken.Length > 0);
            Assert.Equal(tags, names);
        }
    }

    private async Task AssertTagsAsync(string prefix, string token, params (string, long, long)[] expected)
    {
        var answer = await blog.Queries.ListTagsAsync(new() { Prefix = prefix, ConsistencyToken = token });
        Assert.Equal(expected, answer.Tags.Select(tag => (tag.Name, tag.PostCount, tag.PublishedCount)));
    }
}

public sealed class ListTagsTests(BlogOn<SqliteFixture> fixture) : ListTagsSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlListTagsTests(BlogOn<WholePostgreSqlFixture> fixture) : ListTagsSpecs<WholePostgreSqlFixture>(fixture);

public sealed class SqlServerListTagsTests(BlogOn<WholeSqlServerFixture> fixture) : ListTagsSpecs<WholeSqlServerFixture>(fixture);
