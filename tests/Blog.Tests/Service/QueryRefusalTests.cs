using Blog.V1;
using Google.Protobuf;
using Google.Protobuf.Reflection;
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
    [MemberData(nameof(QueryCall.All), MemberType = typeof(QueryCall))]
    public async Task A_well_formed_query_is_answered(string query)
    {
        var created = await blog.CreateAsync();
        await blog.GetAsync(created.PostId, created.ConsistencyToken);
        var exception = await Record.ExceptionAsync(() => QueryCall.SendAsync(blog, query, QueryCall.Request(query, created.PostId)));
        Assert.True(exception is null, $"{query} is refused: {exception?.Message} Have QueryCall.Request set what the query demands.");
    }

    [Theory]
    [MemberData(nameof(QueryCall.Paged), MemberType = typeof(QueryCall))]
    public async Task A_page_size_out_of_bounds_is_refused_and_the_largest_is_accepted(string query)
    {
        var id = (await blog.CreateAsync()).PostId;
        var max = QueryCall.MaxPageSizeOf(blog, query);
        foreach (var pageSize in (int[])[-1, int.MinValue, int.MaxValue, max + 1])
        {
            (await QueryCall.RefuseAsync(blog, query, QueryCall.Request(query, id).With("page_size", pageSize))).Is(EngineErrors.InvalidFields, "page_size");
        }

        await QueryCall.SendAsync(blog, query, QueryCall.Request(query, id).With("page_size", max));
    }

    [Theory]
    [MemberData(nameof(QueryCall.All), MemberType = typeof(QueryCall))]
    public async Task Unknown_enum_values_are_refused(string query)
    {
        foreach (var field in QueryCall.FieldsOf(query).Where(field => field.FieldType == FieldType.Enum))
        {
            foreach (var unknown in (int[])[-1, QueryCall.ValuesOf(field).Max() + 1, 99])
            {
                (await QueryCall.RefuseAsync(blog, query, QueryCall.Request(query, PostCalls.UnknownId).With(field.Name, QueryCall.EnumOf(field, unknown))))
                    .Is(EngineErrors.InvalidFields, field.Name);
            }
        }
    }

    [Fact]
    public async Task Deleted_posts_cannot_be_asked_for() =>
        (await Refusal.OfAsync(blog.Queries.ListPostsAsync(new() { Statuses = { PostStatus.Deleted } }))).Is(EngineErrors.InvalidFields, "statuses");

    [Theory]
    [MemberData(nameof(MalformedTimes))]
    public async Task A_malformed_time_is_refused(long seconds, int nanos)
    {
        var time = new Timestamp { Seconds = seconds, Nanos = nanos };
        foreach (var (query, field) in TimesOfQueries())
        {
            var isRange = field.MessageType.ClrType == typeof(TimeRange);
            var values = isRange ? (IMessage[])[new TimeRange { StartTime = time }, new TimeRange { EndTime = time }] : [time];
            string[] fields = isRange ? [$"{field.Name}.start_time", $"{field.Name}.end_time"] : [field.Name];
            foreach (var (value, name) in values.Zip(fields))
            {
                (await QueryCall.RefuseAsync(blog, query, QueryCall.Request(query, PostCalls.UnknownId).With(field.Name, value))).Is(EngineErrors.InvalidFields, name);
            }
        }
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
        foreach (var (query, field) in TimesOfQueries().Where(pair => pair.Field.MessageType.ClrType == typeof(TimeRange)))
        {
            var empty = new TimeRange { StartTime = time, EndTime = time };
            (await QueryCall.RefuseAsync(blog, query, QueryCall.Request(query, PostCalls.UnknownId).With(field.Name, empty))).Is(EngineErrors.InvalidFields, field.Name);
        }
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

    /// <summary>Every field of a query that is a time or a range of times.</summary>
    private static (string Query, FieldDescriptor Field)[] TimesOfQueries()
    {
        var found =
            from method in PostQueryService.Descriptor.Methods
            from field in QueryCall.FieldsOf(method.Name)
            where field.FieldType == FieldType.Message && (field.MessageType.ClrType == typeof(Timestamp) || field.MessageType.ClrType == typeof(TimeRange))
            select (method.Name, field);
        return [.. found];
    }
}
