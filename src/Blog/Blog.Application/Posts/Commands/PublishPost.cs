using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Makes a draft or an archived post visible to readers.</summary>
/// <param name="PostId">The post.</param>
public sealed record PublishPost(string PostId) : IValidatable, IDecision<Post, PostEvent>
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(("post_id", PostRules.CheckId(PostId)));

    /// <inheritdoc/>
    public string AggregateId => PostFields.Canonical(PostId);

    /// <inheritdoc/>
    public IReadOnlyList<PostEvent> Decide(Post aggregate) => aggregate.Publish();
}
