using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Gives a post another title.</summary>
/// <param name="PostId">The post.</param>
/// <param name="Title">1-200 characters.</param>
public sealed record ChangePostTitle(string PostId, string Title) : IValidatable, IDecision<Post, PostEvent>
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(("post_id", PostRules.CheckId(PostId)), ("title", PostRules.CheckTitle(Title)));

    /// <inheritdoc/>
    public string AggregateId => PostFields.Canonical(PostId);

    /// <inheritdoc/>
    public IReadOnlyList<PostEvent> Decide(Post aggregate) => aggregate.ChangeTitle(Title);
}
