using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Replaces the content of a post.</summary>
/// <param name="PostId">The post.</param>
/// <param name="Content">At most 1 MiB.</param>
public sealed record EditPostContent(string PostId, string Content) : IValidatable
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(("post_id", PostRules.CheckId(PostId)), ("content", PostRules.CheckContent(Content)));
}

/// <summary>Handles <see cref="EditPostContent"/>.</summary>
public sealed class EditPostContentHandler(AggregateStore<Post, PostEvent> posts) : ICommandHandler<EditPostContent>
{
    /// <inheritdoc/>
    public ValueTask<CommandResult> HandleAsync(EditPostContent command, CommandContext context, CancellationToken cancellationToken) =>
        posts.UpdateAsync(PostFields.Canonical(command.PostId), context, post => post.EditContent(command.Content), cancellationToken);
}
