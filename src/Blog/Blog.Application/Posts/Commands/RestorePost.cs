using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Makes a post as it was at an earlier version, by appending the difference.</summary>
/// <param name="PostId">The post.</param>
/// <param name="Version">The version to go back to, from 1.</param>
/// <param name="KeepStatus">Whether the status stays as it is.</param>
public sealed record RestorePost(string PostId, long Version, bool KeepStatus) : IValidatable
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(
        ("post_id", PostRules.CheckId(PostId)), ("version", Version < 1 ? "Must be 1 or more." : null));
}

/// <summary>Handles <see cref="RestorePost"/>.</summary>
public sealed class RestorePostHandler(AggregateStore<Post, PostEvent> posts) : ICommandHandler<RestorePost>
{
    /// <inheritdoc/>
    public async ValueTask<CommandResult> HandleAsync(RestorePost command, CommandContext context, CancellationToken cancellationToken)
    {
        // What has happened does not change, so that the earlier state may be read outside the decision.
        var id = PostFields.Canonical(command.PostId);
        var earlier = await posts.LoadAtVersionAsync(id, command.Version, cancellationToken);
        return await posts.UpdateAsync(
            id,
            context,
            post =>
            {
                if (post.Status != PostStatus.None && earlier.Version != command.Version)
                {
                    throw PostErrors.NoSuchVersion(id, earlier.Version);
                }

                return post.RestoreTo(earlier.State, command.KeepStatus);
            },
            cancellationToken);
    }
}
