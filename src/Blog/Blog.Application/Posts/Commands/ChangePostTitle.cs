using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Gives a post another title.</summary>
/// <param name="PostId">The post.</param>
/// <param name="Title">1-200 characters.</param>
public sealed record ChangePostTitle(string PostId, string Title) : IValidatable
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(("post_id", PostRules.CheckId(PostId)), ("title", PostRules.CheckTitle(Title)));
}

/// <summary>Handles <see cref="ChangePostTitle"/>.</summary>
public sealed class ChangePostTitleHandler(AggregateStore<Post, PostEvent> posts) : ICommandHandler<ChangePostTitle>
{
    /// <inheritdoc/>
    public ValueTask<CommandResult> HandleAsync(ChangePostTitle command, CommandContext context, CancellationToken cancellationToken) =>
        posts.UpdateAsync(PostFields.Canonical(command.PostId), context, post => post.ChangeTitle(command.Title), cancellationToken);
}
