using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>A page of the tags in use, in alphabetical order. Answered from the read database.</summary>
public sealed record ListTags(string Prefix, int PageSize, string PageToken) : IValidatable
{
    /// <summary>The largest page.</summary>
    public const int MaxPageSize = 1_000;

    /// <summary>The page size where none is given.</summary>
    public const int DefaultPageSize = 100;

    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(
        ("page_size", PostFields.CheckPageSize(PageSize, MaxPageSize)),
        ("prefix", Prefix.Length == 0 ? null : PostRules.CheckTag(Prefix)));
}

/// <summary>A tag in use.</summary>
/// <param name="Name">The tag.</param>
/// <param name="PostCount">How many posts carry it, deleted ones not counted.</param>
/// <param name="PublishedCount">How many of these are published.</param>
public sealed record TagView(string Name, long PostCount, long PublishedCount);
