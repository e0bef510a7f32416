using Blog.V1;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using GrpcCqrs.Storage.Tests;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>How many there are.</summary>
internal static class ListedPosts
{
    public const int Count = 23;
}

/// <summary>A blog with posts that tie in title and, being made in one go, now and then in time.</summary>
public sealed class ListedPosts<TStores> : BlogOn<TStores>
    where TStores : IStoreFixture, IDisposable, new()
{
    public string Token { get; private set; } = "";

    protected override async Task PrepareAsync()
    {
        var titles = (string[])["Alpha", "alpha", "Ärger", "Бета", "題", "🦀", "Alpha"];
        var created = await Task.WhenAll(Enumerable.Range(0, ListedPosts.Count).Select(index => this.CreateAsync(
            titles[index % titles.Length], author: index % 2 == 0 ? "Even" : "Odd", tags: index % 3 == 0 ? ["three", "all"] : ["all"])));
        await Task.WhenAll(created.Where((_, index) => index % 4 != 0).Select(post => this.PublishAsync(post.PostId)));
        await Task.WhenAll(created.Where((_, index) => index % 4 == 2).Select(post => Commands.ArchivePostAsync(new() { PostId = post.PostId }).ResponseAsync));
        foreach (var (command, post) in CommandCall.OnALivePost.Zip(created))
        {
            // What any command changes is in the list; it may refuse a post as it is.
            _ = await Record.ExceptionAsync(() => CommandCall.SendAsync(this, command, post.PostId));
        }

        Token = (await Commands.EditPostContentAsync(new() { PostId = created[5].PostId, Content = "Edited" })).ConsistencyToken;
    }
}

public abstract class ListPostsSpecs<TStores>(ListedPosts<TStores> fixture) : IClassFixture<ListedPosts<TStores>>
    where TStores : IStoreFixture, IDisposable, new()
{
    private readonly ListedPosts<TStores> blog = (ListedPosts<TStores>)fixture.OrSkip();

    public static TheoryData<PostOrder, SortDirection, int> OrdersAndPages()
    {
        var data = new TheoryData<PostOrder, SortDirection, int>();
        foreach (var order in (PostOrder[])[PostOrder.CreateTime, PostOrder.UpdateTime, PostOrder.PublishTime, PostOrder.Title])
        {
            foreach (var direction in (SortDirection[])[SortDirection.Ascending, SortDirection.Descending])
            {
                foreach (var pageSize in (int[])[1, 4, ListedPosts.Count])
                {
                    data.Add(order, direction, pageSize);
                }
            }
        }

        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(OrdersAndPages))]
    public async Task Pages_put_together_are_the_whole_list_in_order(PostOrder order, SortDirection direction, int pageSize)
    {
        var request = new ListPostsRequest { OrderBy = order, Direction = direction, ConsistencyToken = blog.Token };
        var whole = await ListAsync(request, 100);
        Assert.Equal(ListedPosts.Count, whole.Count);
        var sorted = whole.OrderBy(post => KeyOf(post, order), StringComparer.Ordinal).ThenBy(post => post.PostId, StringComparer.Ordinal);
        Assert.Equal(direction == SortDirection.Ascending ? sorted : sorted.Reverse(), whole);
        Assert.Equal(whole, await ListAsync(request, pageSize));
    }

    [SkippableFact]
    public async Task The_default_is_the_newest_first_and_A_first_for_titles()
    {
        Assert.Equal(
            await ListAsync(new() { OrderBy = PostOrder.CreateTime, Direction = SortDirection.Descending }, 100), await ListAsync(new(), 100));
        Assert.Equal(
            await ListAsync(new() { OrderBy = PostOrder.Title, Direction = SortDirection.Ascending }, 100),
            await ListAsync(new() { OrderBy = PostOrder.Title }, 100));
        Assert.Equal(20, (await blog.Queries.ListPostsAsync(new() { ConsistencyToken = blog.Token })).Posts.Count);
    }

    [SkippableFact]
    public async Task Filters_by_status_tag_and_author_are_joined_with_and()
    {
        var all = await ListAsync(new(), 100);
        Assert.Equal(3, all.Select(post => post.Status).Distinct().Count());
        await AssertFilterAsync(new() { Statuses = { PostStatus.Draft } }, post => post.Status == PostStatus.Draft);
        await AssertFilterAsync(
            new() { Statuses = { PostStatus.Published, PostStatus.Archived } }, post => post.Status is PostStatus.Published or PostStatus.Archived);
        await AssertFilterAsync(new() { Statuses = { PostStatus.Unspecified } }, _ => true);
        await AssertFilterAsync(new() { Tag = " Three " }, post => post.Tags.Contains("three"));
        await AssertFilterAsync(new() { Author = "Even" }, post => post.Author == "Even");
        await AssertFilterAsync(new() { Author = "even" }, _ => false);
        await AssertFilterAsync(
            new() { Author = "Odd", Tag = "three", Statuses = { PostStatus.Published } },
            post => post.Author == "Odd" && post.Tags.Contains("three") && post.Status == PostStatus.Published);
    }

    /// <summary>Filters that have the name of a field of a post; a new one is among them by itself.</summary>
    [SkippableFact]
    public async Task A_filter_by_a_field_keeps_the_posts_with_its_value()
    {
        var all = await ListAsync(new(), 100);
        foreach (var filter in QueryCall.FieldsOf("ListPosts").Where(field => !field.IsRepeated && Post.Descriptor.FindFieldByName(field.Name) is not null))
        {
            var shown = Post.Descriptor.FindFieldByName(filter.Name).Accessor;
            object[] values = filter.FieldType == FieldType.Bool ? [.. QueryCall.OthersOf("ListPosts", filter)] : [.. all.Select(shown.GetValue).Distinct()];
            foreach (var value in values)
            {
                Assert.True(
                    all.Exists(post => shown.GetValue(post).Equals(value)),
                    $"Every command was sent to a post, and none is listed with {filter.Name} {value}. Either the list does not show it, or ListedPosts.PrepareAsync must make such a post.");
                await AssertFilterAsync((ListPostsRequest)new ListPostsRequest().With(filter.Name, value), post => shown.GetValue(post).Equals(value));
            }
        }
    }

    [SkippableFact]
    public async Task Time_ranges_hold_their_start_and_not_their_end()
    {
        var all = await ListAsync(new() { OrderBy = PostOrder.CreateTime, Direction = SortDirection.Ascending }, 100);
        var (start, end) = (all[3].CreateTime, all[^3].CreateTime);
        await AssertFilterAsync(new() { Created = new() { StartTime = start, EndTime = end } }, post => IsWithin(post.CreateTime, start, end));
        await AssertFilterAsync(new() { Created = new() { StartTime = start } }, post => IsWithin(post.CreateTime, start, null));
        await AssertFilterAsync(new() { Created = new() { EndTime = end } }, post => IsWithin(post.CreateTime, null, end));
        await AssertFilterAsync(new() { Created = new() }, _ => true);

        var published = all.First(post => post.PublishTime is not null).PublishTime;
        await AssertFilterAsync(new() { Published = new() { StartTime = published } }, post => IsWithin(post.PublishTime, published, null));
        await AssertFilterAsync(new() { Published = new() { EndTime = published } }, post => IsWithin(post.PublishTime, null, published));
        await AssertFilterAsync(new() { Published = new() }, post => post.PublishTime is not null);

        var updated = all[5].UpdateTime;
        await AssertFilterAsync(new() { Updated = new() { StartTime = updated } }, post => IsWithin(post.UpdateTime, updated, null));
        await AssertFilterAsync(new() { Updated = new() { EndTime = updated } }, post => IsWithin(post.UpdateTime, null, updated));
    }

    [SkippableFact]
    public async Task Time_ranges_are_exact_below_a_microsecond()
    {
        var post = (await ListAsync(new(), 1))[0];
        var later = Timestamp.FromDateTimeOffset(post.CreateTime.ToDateTimeOffset().AddTicks(1));
        await AssertFilterAsync(new() { Created = new() { StartTime = later } }, other => IsWithin(other.CreateTime, later, null));
        await AssertFilterAsync(new() { Created = new() { EndTime = later } }, other => IsWithin(other.CreateTime, null, later));
    }

    private async Task AssertFilterAsync(ListPostsRequest request, Func<Post, bool> isWanted) =>
        Assert.Equal((await ListAsync(new(), 100)).Where(isWanted), await ListAsync(request, 7));

    private async Task<List<Post>> ListAsync(ListPostsRequest request, int pageSize)
    {
        var page = new ListPostsRequest(request) { PageSize = pageSize, ConsistencyToken = blog.Token };
        var posts = new List<Post>();
        do
        {
            var answer = await blog.Queries.ListPostsAsync(page);
            Assert.InRange(answer.Posts.Count, answer.NextPageToken.Length > 0 ? pageSize : 0, pageSize);
            posts.AddRange(answer.Posts);
            page.PageToken = answer.NextPageToken;
        }
        while (page.PageToken.Length > 0);
        return posts;
    }

    private static bool IsWithin(Timestamp? time, Timestamp? start, Timestamp? end) =>
        time is not null && (start is null || time.CompareTo(start) >= 0) && (end is null || time.CompareTo(end) < 0);

    /// <summary>What the list sorts by, as text that sorts the same.</summary>
    private static string KeyOf(Post post, PostOrder order) => order switch
    {
        PostOrder.CreateTime => Ticks(post.CreateTime),
        PostOrder.UpdateTime => Ticks(post.UpdateTime),
        PostOrder.PublishTime => Ticks(post.PublishTime),

        // Ordinal comparison of UTF-32 is by code point; that of UTF-16 is not.
        _ => string.Concat(post.Title.EnumerateRunes().Select(rune => $"{rune.Value:x6}")),
    };

    private static string Ticks(Timestamp? time) => $"{time?.ToDateTimeOffset().UtcTicks ?? 0:d20}";
}

public sealed class ListPostsTests(ListedPosts<SqliteFixture> fixture) : ListPostsSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlListPostsTests(ListedPosts<WholePostgreSqlFixture> fixture) : ListPostsSpecs<WholePostgreSqlFixture>(fixture);

public sealed class SqlServerListPostsTests(ListedPosts<WholeSqlServerFixture> fixture) : ListPostsSpecs<WholeSqlServerFixture>(fixture);
