using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Makes a draft or an archived post visible to readers.</summary>
/// <param name="PostId">The post.</param>
public sealed record PublishPost(string PostId) : IValidatable
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(("post_id", PostRules.CheckId(PostId)));
}

/// <summary>Handles <see cref="PublishPost"/>.</summary>
public sealed class PublishPostHandler(AggregateStore<Post, PostEvent> posts) : ICommandHandler<PublishPost>
{
    /// <inheritdoc/>
    public ValueTask<CommandResult> HandleAsync(PublishPost command, CommandContext context, CancellationToken cancellationToken) =>
        posts.UpdateAsync(PostFields.Canonical(command.PostId), context, post => post.Publish(), cancellationToken);
}
