using Blog.V1;
using Google.Protobuf.WellKnownTypes;
using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>Malformed queries.</summary>
public sealed class QueryRefusalTests(BlogService blog) : IClassFixture<BlogService>
{
    public static TheoryData<long, int> MalformedTimes => new()
    {
        { 253_402_300_800, 0 },
        { -62_135_596_801, 0 },
        { long.MaxValue, 0 },
        { 0, -1 },
        { 0, 1_000_000_000 },
    };

    [Fact]
    public async Task GetPost_wants_an_id_or_a_slug()
    {
        (await Refusal.OfAsync(blog.Queries.GetPostAsync(new()))).Is(EngineErrors.InvalidFields, "key");
        (await Refusal.OfAsync(blog.Queries.GetPostAsync(new() { PostId = "" }))).Is(EngineErrors.InvalidFields, "key");
        (await Refusal.OfAsync(blog.Queries.GetPostAsync(new() { PostId = "42" }))).Is(EngineErrors.InvalidFields, "post_id");
        (await Refusal.OfAsync(blog.Queries.GetPostAsync(new() { Slug = "Not a slug" }))).Is(EngineErrors.InvalidFields, "slug");
        (await Refusal.OfAsync(blog.Queries.GetPostAsync(new() { PostId = PostCalls.UnknownId }))).Is(PostErrors.NotFound);
        (await Refusal.OfAsync(blog.Queries.GetPostAsync(new() { Slug = "unknown" }))).Is(PostErrors.NotFound);
    }

    [Fact]
    public async Task The_past_of_an_unknown_post_is_not_found()
    {
        (await Refusal.OfAsync(blog.Queries.GetPostHistoryAsync(new() { PostId = PostCalls.UnknownId }))).Is(PostErrors.NotFound);
        (await Refusal.OfAsync(blog.Queries.GetPostAsOfAsync(new() { PostId = PostCalls.UnknownId, Version = 1 }))).Is(PostErrors.NotFound);
        (await Refusal.OfAsync(blog.Queries.GetPostHistoryAsync(new() { PostId = "42" }))).Is(EngineErrors.InvalidFields, "post_id");
        (await Refusal.OfAsync(blog.Queries.GetPostAsOfAsync(new() { PostId = "42", Version = 1 }))).Is(EngineErrors.InvalidFields, "post_id");
        (await Refusal.OfAsync(blog.Queries.GetPostAsOfAsync(new() { PostId = PostCalls.UnknownId }))).Is(EngineErrors.InvalidFields, "point");
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    public async Task A_page_size_out_of_bounds_is_refused(int pageSize)
    {
        (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new() { PageSize = pageSize }))).Is(EngineErrors.InvalidFields, "page_size");
        (await Refusal.OfAsync(blog.Queries.SearchPostsAsync(new() { Query = "x", PageSize = pageSize }))).Is(EngineErrors.InvalidFields, "page_size");
        (await Refusal.OfAsync(blog.Queries.ListTagsAsync(new() { PageSize = pageSize }))).Is(EngineErrors.InvalidFields, "page_size");
        (await Refusal.OfAsync(blog.Queries.ListAuthorsAsync(new() { PageSize = pageSize }))).Is(EngineErrors.InvalidFields, "page_size");
        (await Refusal.OfAsync(blog.Queries.ListDailyActivityAsync(new() { PageSize = pageSize }))).Is(EngineErrors.InvalidFields, "page_size");
        (await Refusal.OfAsync(blog.Queries.GetPostHistoryAsync(new() { PostId = PostCalls.UnknownId, PageSize = pageSize }))).Is(EngineErrors.InvalidFields, "page_size");
    }

    [Fact]
    public async Task The_largest_page_sizes_are_accepted_and_one_more_is_not()
    {
        var id = (await blog.CreateAsync()).PostId;
        await blog.Queries.ListPostsAsync(new() { PageSize = 100 });
        await blog.Queries.SearchPostsAsync(new() { Query = "x", PageSize = 100 });
        await blog.Queries.ListTagsAsync(new() { PageSize = 1_000 });
        await blog.Queries.ListAuthorsAsync(new() { PageSize = 1_000 });
        await blog.Queries.ListDailyActivityAsync(new() { PageSize = 1_000 });
        (await Refusal.OfAsync(blog.Queries.ListAuthorsAsync(new() { PageSize = 1_001 }))).Is(EngineErrors.InvalidFields, "page_size");
        (await Refusal.OfAsync(blog.Queries.ListDailyActivityAsync(new() { PageSize = 1_001 }))).Is(EngineErrors.InvalidFields, "page_size");
        await blog.Queries.GetPostHistoryAsync(new() { PostId = id, PageSize = 500 });
        (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new() { PageSize = 101 }))).Is(EngineErrors.InvalidFields, "page_size");
        (await Refusal.OfAsync(blog.Queries.SearchPostsAsync(new() { Query = "x", PageSize = 101 }))).Is(EngineErrors.InvalidFields, "page_size");
        (await Refusal.OfAsync(blog.Queries.ListTagsAsync(new() { PageSize = 1_001 }))).Is(EngineErrors.InvalidFields, "page_size");
        (await Refusal.OfAsync(blog.Queries.GetPostHistoryAsync(new() { PostId = id, PageSize = 501 }))).Is(EngineErrors.InvalidFields, "page_size");
    }

    [Fact]
    public async Task Unknown_enum_values_are_refused()
    {
        foreach (var unknown in (int[])[-1, 5, 99])
        {
            (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new() { Statuses = { (PostStatus)unknown } }))).Is(EngineErrors.InvalidFields, "statuses");
            (await Refusal.OfAsync(blog.Queries.SearchPostsAsync(new() { Query = "x", Statuses = { (PostStatus)unknown } }))).Is(EngineErrors.InvalidFields, "statuses");
            (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new() { OrderBy = (PostOrder)unknown }))).Is(EngineErrors.InvalidFields, "order_by");
            (await Refusal.OfAsync(blog.Queries.ListAuthorsAsync(new() { OrderBy = (AuthorOrder)unknown }))).Is(EngineErrors.InvalidFields, "order_by");
            (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new() { Direction = (SortDirection)unknown }))).Is(EngineErrors.InvalidFields, "direction");
        }

        (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new() { Statuses = { PostStatus.Deleted } }))).Is(EngineErrors.InvalidFields, "statuses");
    }

    [Theory]
    [MemberData(nameof(MalformedTimes))]
    public async Task A_malformed_time_is_refused(long seconds, int nanos)
    {
        var time = new Timestamp { Seconds = seconds, Nanos = nanos };
        (await Refusal.OfAsync(blog.Queries.GetPostAsOfAsync(new() { PostId = PostCalls.UnknownId, Time = time }))).Is(EngineErrors.InvalidFields, "time");
        (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new() { Created = new() { StartTime = time } }))).Is(EngineErrors.InvalidFields, "created.start_time");
        (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new() { Updated = new() { EndTime = time } }))).Is(EngineErrors.InvalidFields, "updated.end_time");
        (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new() { Published = new() { EndTime = time } }))).Is(EngineErrors.InvalidFields, "published.end_time");
    }

    [Fact]
    public async Task The_earliest_and_the_latest_time_are_accepted()
    {
        var token = (await blog.CreateAsync(author: "Timeless")).ConsistencyToken;
        var range = new TimeRange
        {
            StartTime = Timestamp.FromDateTimeOffset(DateTimeOffset.MinValue),
            EndTime = new Timestamp { Seconds = 253_402_300_799, Nanos = 999_999_999 },
        };
        Assert.Single((await blog.Queries.ListPostsAsync(new() { Author = "Timeless", Created = range, Updated = range, ConsistencyToken = token })).Posts);
    }

    [Fact]
    public async Task A_time_range_ends_behind_its_start()
    {
        var time = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch);
        var empty = new TimeRange { StartTime = time, EndTime = time };
        (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new() { Created = empty, Updated = empty, Published = empty })))
            .Is(EngineErrors.InvalidFields, "created", "updated", "published");
    }

    [Fact]
    public async Task Malformed_filters_are_refused_together()
    {
        (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new() { PageSize = -1, Tag = "a,b", Author = " ", OrderBy = (PostOrder)9 })))
            .Is(EngineErrors.InvalidFields, "page_size", "order_by", "tag", "author");
        (await Refusal.OfAsync(blog.Queries.SearchPostsAsync(new() { Query = "", Tag = "a,b" }))).Is(EngineErrors.InvalidFields, "query", "tag");
        (await Refusal.OfAsync(blog.Queries.ListTagsAsync(new() { Prefix = "a,b" }))).Is(EngineErrors.InvalidFields, "prefix");
        (await Refusal.OfAsync(blog.Queries.ListAuthorsAsync(new() { Prefix = " ", PageSize = -1 }))).Is(EngineErrors.InvalidFields, "page_size", "prefix");
        (await Refusal.OfAsync(blog.Queries.ListDailyActivityAsync(new() { StartDay = "2026-11-20", EndDay = "2026-11-19" }))).Is(EngineErrors.InvalidFields, "end_day");
        foreach (var malformed in (string[])["2026-11-31", "20 November 2026", "2026-1-1", "2026-11-20T00:00:00Z", "x"])
        {
            (await Refusal.OfAsync(blog.Queries.ListDailyActivityAsync(new() { StartDay = malformed }))).Is(EngineErrors.InvalidFields, "start_day");
            (await Refusal.OfAsync(blog.Queries.ListDailyActivityAsync(new() { EndDay = malformed }))).Is(EngineErrors.InvalidFields, "end_day");
        }
    }
}
