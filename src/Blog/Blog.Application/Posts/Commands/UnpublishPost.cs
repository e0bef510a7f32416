using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Turns a published post back into a draft.</summary>
/// <param name="PostId">The post.</param>
public sealed record UnpublishPost(string PostId) : IValidatable, IDecision<Post, PostEvent>
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(("post_id", PostRules.CheckId(PostId)));

    /// <inheritdoc/>
    public string AggregateId => PostFields.Canonical(PostId);

    /// <inheritdoc/>
    public IReadOnlyList<PostEvent> Decide(Post aggregate) => aggregate.Unpublish();
}
