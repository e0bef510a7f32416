using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Adds tags to a post.</summary>
/// <param name="PostId">The post.</param>
/// <param name="Tags">1-20.</param>
public sealed record AddPostTags(string PostId, IReadOnlyList<string> Tags) : IValidatable
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(("post_id", PostRules.CheckId(PostId))).Concat(PostFields.CheckTags(Tags, atLeast: 1));
}

/// <summary>Handles <see cref="AddPostTags"/>.</summary>
public sealed class AddPostTagsHandler(AggregateStore<Post, PostEvent> posts) : ICommandHandler<AddPostTags>
{
    /// <inheritdoc/>
    public ValueTask<CommandResult> HandleAsync(AddPostTags command, CommandContext context, CancellationToken cancellationToken) =>
        posts.UpdateAsync(PostFields.Canonical(command.PostId), context, post => post.AddTags(command.Tags), cancellationToken);
}
