using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>The posts that match every filter given, then what changes in them. Answered from the read database.</summary>
/// <param name="Statuses">Empty for any.</param>
/// <param name="Tag">Empty for any.</param>
/// <param name="Author">Empty for any.</param>
/// <param name="AfterPosition">To continue after a break, the last position received; null to begin with the posts as they stand.</param>
public sealed record WatchPosts(IReadOnlyList<PostStatus> Statuses, string Tag, string Author, long? AfterPosition) : IValidatable
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(
        ("statuses", Statuses.All(status => status is >= PostStatus.Draft and <= PostStatus.Archived) ? null : "Must be draft, published or archived; deleted posts are in no list."),
        ("tag", Tag.Length == 0 ? null : PostRules.CheckTag(Tag)),
        ("author", Author.Length == 0 ? null : PostRules.CheckAuthor(Author)),
        ("after_position", AfterPosition < 0 ? "Must be 0 or more; leave it out to begin with the posts as they stand." : null));
}

/// <summary>One thing that a watch tells.</summary>
public abstract record PostChangeView
{
    private PostChangeView()
    {
    }

    /// <summary>A post that matches, as it stands.</summary>
    public sealed record Present(PostView Post) : PostChangeView;

    /// <summary>A post that does not match, or no longer exists.</summary>
    public sealed record Left(string PostId) : PostChangeView;

    /// <summary>Everything that matched at first has been sent.</summary>
    public sealed record CaughtUp : PostChangeView;

    /// <summary>How far things have come without a change.</summary>
    public sealed record Checkpoint : PostChangeView;
}
