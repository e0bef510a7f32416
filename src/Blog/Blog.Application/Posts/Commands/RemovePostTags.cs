using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Removes tags from a post.</summary>
/// <param name="PostId">The post.</param>
/// <param name="Tags">1-20.</param>
public sealed record RemovePostTags(string PostId, IReadOnlyList<string> Tags) : IValidatable, IDecision<Post, PostEvent>
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(("post_id", PostRules.CheckId(PostId))).Concat(PostFields.CheckTags(Tags, atLeast: 1));

    /// <inheritdoc/>
    public string AggregateId => PostFields.Canonical(PostId);

    /// <inheritdoc/>
    public IReadOnlyList<PostEvent> Decide(Post aggregate) => aggregate.RemoveTags(Tags);
}
