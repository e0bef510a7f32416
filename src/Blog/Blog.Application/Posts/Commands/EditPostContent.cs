using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Replaces the content of a post.</summary>
/// <param name="PostId">The post.</param>
/// <param name="Content">At most 1 MiB.</param>
public sealed record EditPostContent(string PostId, string Content) : IValidatable, IDecision<Post, PostEvent>
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(("post_id", PostRules.CheckId(PostId)), ("content", PostRules.CheckContent(Content)));

    /// <inheritdoc/>
    public string AggregateId => PostFields.Canonical(PostId);

    /// <inheritdoc/>
    public IReadOnlyList<PostEvent> Decide(Post aggregate) => aggregate.EditContent(Content);
}
