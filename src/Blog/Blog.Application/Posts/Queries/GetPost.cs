using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>One post, by id or by slug; exactly one of the two is not empty. Answered from the read database.</summary>
public sealed record GetPost(string PostId, string Slug) : IValidatable, IStreamQuery
{
    /// <inheritdoc/>
    public StreamId? Stream => PostId.Length > 0 ? StreamId.For<Post, PostEvent>(PostFields.Canonical(PostId)) : null;

    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => (PostId.Length > 0, Slug.Length > 0) switch
    {
        (true, false) => PostFields.Check(("post_id", PostRules.CheckId(PostId))),
        (false, true) => PostFields.Check(("slug", PostRules.CheckSlug(Slug))),
        _ => [new FieldViolation("key", "Give either post_id or slug.")],
    };
}
