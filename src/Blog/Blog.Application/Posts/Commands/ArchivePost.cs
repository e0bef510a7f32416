using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Takes a published post out of circulation.</summary>
/// <param name="PostId">The post.</param>
public sealed record ArchivePost(string PostId) : IValidatable
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(("post_id", PostRules.CheckId(PostId)));
}

/// <summary>Handles <see cref="ArchivePost"/>.</summary>
public sealed class ArchivePostHandler(AggregateStore<Post, PostEvent> posts) : ICommandHandler<ArchivePost>
{
    /// <inheritdoc/>
    public ValueTask<CommandResult> HandleAsync(ArchivePost command, CommandContext context, CancellationToken cancellationToken) =>
        posts.UpdateAsync(PostFields.Canonical(command.PostId), context, post => post.Archive(), cancellationToken);
}
