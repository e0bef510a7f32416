using Blog.Domain.Posts;

namespace Blog.Application.Posts;

/// <summary>A post with its content, as queries return it.</summary>
public sealed record PostView(
    string PostId,
    string Slug,
    string Title,
    string Content,
    PostStatus Status,
    string Author,
    IReadOnlyList<string> Tags,
    long Version,
    DateTimeOffset CreateTime,
    DateTimeOffset UpdateTime,
    DateTimeOffset? PublishTime);

/// <summary>A post without its content, as lists show it.</summary>
public sealed record PostSummaryView(
    string PostId,
    string Slug,
    string Title,
    PostStatus Status,
    string Author,
    IReadOnlyList<string> Tags,
    long Version,
    DateTimeOffset CreateTime,
    DateTimeOffset UpdateTime,
    DateTimeOffset? PublishTime);

/// <summary>One page of a result.</summary>
/// <param name="Items">What is on the page.</param>
/// <param name="NextPageToken">Where the next page starts; empty on the last.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string NextPageToken);

/// <summary>A piece of a text that is wholly a match or wholly not.</summary>
public sealed record TextFragment(string Text, bool Matched);
