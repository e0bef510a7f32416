using Blog.Domain.Posts;

namespace Blog.Application.Posts;

/// <summary>A post as queries return it: its state, with what its events add. A property of the state is in every answer by itself.</summary>
/// <param name="Post">The state. Its content is empty in lists, searches and watches.</param>
/// <param name="Version">The number of its events.</param>
/// <param name="CreateTime">When it was created.</param>
/// <param name="UpdateTime">When it last changed.</param>
/// <param name="PublishTime">When it was last published; null where it never was.</param>
public sealed record PostView(Post Post, long Version, DateTimeOffset CreateTime, DateTimeOffset UpdateTime, DateTimeOffset? PublishTime);

/// <summary>One page of a result.</summary>
/// <param name="Items">What is on the page.</param>
/// <param name="NextPageToken">Where the next page starts; empty on the last.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string NextPageToken);

/// <summary>A piece of a text that is wholly a match or wholly not.</summary>
public sealed record TextFragment(string Text, bool Matched);
