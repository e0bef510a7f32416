using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>What a list of authors is sorted by.</summary>
public enum AuthorOrder
{
    /// <summary>The author, code point by code point.</summary>
    Name = 1,

    /// <summary>The number of posts, the largest first; authors alike in it by name.</summary>
    PostCount = 2,
}

/// <summary>A page of the authors with posts that are not deleted. Answered from the read database.</summary>
public sealed record ListAuthors(string Prefix, AuthorOrder Order, int PageSize, string PageToken) : IValidatable
{
    /// <summary>The largest page.</summary>
    public const int MaxPageSize = 1_000;

    /// <summary>The page size where none is given.</summary>
    public const int DefaultPageSize = 100;

    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(
        ("page_size", PostFields.CheckPageSize(PageSize, MaxPageSize)),
        ("order_by", Enum.IsDefined(Order) ? null : "Must be a known order."),
        ("prefix", Prefix.Length == 0 ? null : PostRules.CheckAuthor(Prefix)));
}

/// <summary>An author; deleted posts do not count.</summary>
/// <param name="Name">Who.</param>
/// <param name="PostCount">How many posts are theirs.</param>
/// <param name="PublishedCount">How many of these are published.</param>
/// <param name="EditCount">How often their titles or contents were changed.</param>
public sealed record AuthorView(string Name, long PostCount, long PublishedCount, long EditCount);
