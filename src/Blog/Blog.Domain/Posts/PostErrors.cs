using GrpcCqrs.EventSourcing;

namespace Blog.Domain.Posts;

/// <summary>The blog's rows of the error table.</summary>
public static class PostErrors
{
    /// <summary>No such post.</summary>
    public static readonly ErrorCode NotFound = new(
        "POST_NOT_FOUND", ErrorKind.NotFound, false, "There is no post with this id or slug.");

    /// <summary>A change to a deleted post.</summary>
    public static readonly ErrorCode Deleted = new(
        "POST_DELETED", ErrorKind.FailedPrecondition, false, "The post was deleted, which is final; only its history can be read.");

    /// <summary>The id given for a new post is in use.</summary>
    public static readonly ErrorCode Exists = new(
        "POST_EXISTS", ErrorKind.AlreadyExists, false, "The post_id given for a new post is in use; leave it out or give another.");

    /// <summary>The slug given for a new post is in use.</summary>
    public static readonly ErrorCode SlugTaken = new(
        "SLUG_TAKEN", ErrorKind.AlreadyExists, false, "The slug given for a new post belongs to a post that is not deleted; give another.");

    /// <summary>Unpublishing or archiving a post that is not published.</summary>
    public static readonly ErrorCode NotPublished = new(
        "POST_NOT_PUBLISHED", ErrorKind.FailedPrecondition, false, "The post is not published, so it can be neither unpublished nor archived.");

    /// <summary>More tags than a post may have.</summary>
    public static readonly ErrorCode TooManyTags = new(
        "TOO_MANY_TAGS", ErrorKind.FailedPrecondition, false, "The post would have more than 20 tags; remove some first.");

    /// <summary>A version that the post does not have.</summary>
    public static readonly ErrorCode VersionOutOfRange = new(
        "VERSION_OUT_OF_RANGE", ErrorKind.InvalidArgument, false, "The post does not have this version; the error's metadata names the current one.");

    /// <summary>All rows.</summary>
    public static IReadOnlyList<ErrorCode> All { get; } =
        [NotFound, Deleted, Exists, SlugTaken, NotPublished, TooManyTags, VersionOutOfRange];

    /// <summary>There is no such post.</summary>
    public static RejectedException PostNotFound(string idOrSlug) =>
        new(NotFound, $"There is no post {idOrSlug}.") { Subject = $"posts/{idOrSlug}" };

    /// <summary>The post does not have this version.</summary>
    public static RejectedException NoSuchVersion(string id, long currentVersion) =>
        new(VersionOutOfRange, $"The post has the versions 1 to {currentVersion}.")
        {
            Subject = $"posts/{id}",
            Fields = [new FieldViolation("version", $"Must be 1 to {currentVersion}.")],
            Facts = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["current_version"] = currentVersion.ToString(System.Globalization.CultureInfo.InvariantCulture),
            },
        };

    /// <summary>The slug belongs to another post.</summary>
    public static RejectedException SlugIsTaken(string slug) =>
        new(SlugTaken, $"The slug {slug} belongs to another post.") { Subject = $"slugs/{slug}" };
}
