using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Turns a published post back into a draft.</summary>
/// <param name="PostId">The post.</param>
public sealed record UnpublishPost(string PostId) : IValidatable
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(("post_id", PostRules.CheckId(PostId)));
}

/// <summary>Handles <see cref="UnpublishPost"/>.</summary>
public sealed class UnpublishPostHandler(AggregateStore<Post, PostEvent> posts) : ICommandHandler<UnpublishPost>
{
    /// <inheritdoc/>
    public ValueTask<CommandResult> HandleAsync(UnpublishPost command, CommandContext context, CancellationToken cancellationToken) =>
        posts.UpdateAsync(PostFields.Canonical(command.PostId), context, post => post.Unpublish(), cancellationToken);
}
