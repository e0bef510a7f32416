using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Deletes a post for good.</summary>
/// <param name="PostId">The post.</param>
public sealed record DeletePost(string PostId) : IValidatable
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(("post_id", PostRules.CheckId(PostId)));
}

/// <summary>Handles <see cref="DeletePost"/>.</summary>
public sealed class DeletePostHandler(AggregateStore<Post, PostEvent> posts) : ICommandHandler<DeletePost>
{
    /// <inheritdoc/>
    public ValueTask<CommandResult> HandleAsync(DeletePost command, CommandContext context, CancellationToken cancellationToken) =>
        posts.UpdateAsync(PostFields.Canonical(command.PostId), context, post => post.Delete(), cancellationToken);
}
