using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>What a list is sorted by.</summary>
public enum PostOrder
{
    /// <summary>When the post was created.</summary>
    CreateTime = 1,

    /// <summary>When it last changed.</summary>
    UpdateTime = 2,

    /// <summary>When it was last published; never published counts as earliest.</summary>
    PublishTime = 3,

    /// <summary>Its title, code point by code point.</summary>
    Title = 4,
}

/// <summary>A span of time: the start is inside, the end is not; null leaves that end open.</summary>
public sealed record TimeRange(DateTimeOffset? Start, DateTimeOffset? End);

/// <summary>A page of the posts that match every filter given. Answered from the read database.</summary>
public sealed record ListPosts(
    IReadOnlyList<PostStatus> Statuses,
    string Tag,
    string Author,
    TimeRange? Created,
    TimeRange? Updated,
    TimeRange? Published,
    PostOrder Order,
    bool Descending,
    int PageSize,
    string PageToken) : IValidatable
{
    /// <summary>The largest page.</summary>
    public const int MaxPageSize = 100;

    /// <summary>The page size where none is given.</summary>
    public const int DefaultPageSize = 20;

    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(
        ("page_size", PostFields.CheckPageSize(PageSize, MaxPageSize)),
        ("statuses", Statuses.All(status => status is >= PostStatus.Draft and <= PostStatus.Archived) ? null : "Must be draft, published or archived; deleted posts are in no list."),
        ("order_by", Enum.IsDefined(Order) ? null : "Must be a known order."),
        ("tag", Tag.Length == 0 ? null : PostRules.CheckTag(Tag)),
        ("author", Author.Length == 0 ? null : PostRules.CheckAuthor(Author)),
        ("created", CheckRange(Created)),
        ("updated", CheckRange(Updated)),
        ("published", CheckRange(Published)));

    private static string? CheckRange(TimeRange? range) =>
        range is { Start: { } start, End: { } end } && end <= start ? "The end must be later than the start." : null;
}
