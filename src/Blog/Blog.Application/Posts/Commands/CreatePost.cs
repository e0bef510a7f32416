using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Starts a post as a draft.</summary>
/// <param name="PostId">A UUID for it; empty: one is made.</param>
/// <param name="Title">1-200 characters.</param>
/// <param name="Content">At most 1 MiB.</param>
/// <param name="Slug">Its name in addresses; empty: made from the title.</param>
/// <param name="Author">1-200 characters.</param>
/// <param name="Tags">0-20.</param>
public sealed record CreatePost(string PostId, string Title, string Content, string Slug, string Author, IReadOnlyList<string> Tags) : IValidatable
{
    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() =>
        PostFields.Check(
            ("post_id", PostId.Length == 0 ? null : PostRules.CheckId(PostId)),
            ("title", PostRules.CheckTitle(Title)),
            ("content", PostRules.CheckContent(Content)),
            ("slug", Slug.Length == 0 ? null : PostRules.CheckSlug(Slug)),
            ("author", PostRules.CheckAuthor(Author)))
        .Concat(PostFields.CheckTags(Tags, atLeast: 0));
}

/// <summary>Handles <see cref="CreatePost"/>; the reply is the slug.</summary>
public sealed class CreatePostHandler(AggregateStore<Post, PostEvent> posts, TimeProvider clock) : ICommandHandler<CreatePost>
{
    /// <summary>How many numbered slugs are tried before part of the post's id makes one that is free.</summary>
    private const int MaxNumberedSlugs = 5;

    /// <inheritdoc/>
    public async ValueTask<CommandResult> HandleAsync(CreatePost command, CommandContext context, CancellationToken cancellationToken)
    {
        var id = command.PostId.Length > 0 ? PostFields.Canonical(command.PostId) : Guid.CreateVersion7(clock.GetUtcNow()).ToString("D");
        if (command.Slug.Length > 0)
        {
            try
            {
                return await CreateAsync(command.Slug);
            }
            catch (UniqueKeyTakenException)
            {
                throw PostErrors.SlugIsTaken(command.Slug);
            }
        }

        var name = PostRules.SlugFrom(command.Title);
        for (var number = 1; number <= MaxNumberedSlugs; number++)
        {
            try
            {
                return await CreateAsync(number == 1 ? name : $"{name}-{number}");
            }
            catch (UniqueKeyTakenException)
            {
                // The next number may be free.
            }
        }

        try
        {
            return await CreateAsync($"{name}-{id[^12..]}");
        }
        catch (UniqueKeyTakenException exception)
        {
            throw PostErrors.SlugIsTaken(exception.Key.Value);
        }

        ValueTask<CommandResult> CreateAsync(string slug) => posts.UpdateAsync(
            id,
            context,
            post => post.Create(command.Title, command.Content, slug, command.Author, command.Tags),
            cancellationToken,
            reply: slug);
    }
}
