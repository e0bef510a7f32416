using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Removes tags from a post.</summary>
/// <param name="PostId">The post.</param>
/// <param name="Tags">1-20.</param>
public sealed record RemovePostTags(string PostId, IReadOnlyList<string> Tags) : IValidatable
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(("post_id", PostRules.CheckId(PostId))).Concat(PostFields.CheckTags(Tags, atLeast: 1));
}

/// <summary>Handles <see cref="RemovePostTags"/>.</summary>
public sealed class RemovePostTagsHandler(AggregateStore<Post, PostEvent> posts) : ICommandHandler<RemovePostTags>
{
    /// <inheritdoc/>
    public ValueTask<CommandResult> HandleAsync(RemovePostTags command, CommandContext context, CancellationToken cancellationToken) =>
        posts.UpdateAsync(PostFields.Canonical(command.PostId), context, post => post.RemoveTags(command.Tags), cancellationToken);
}
