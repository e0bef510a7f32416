using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>Checks of the fields that several messages share.</summary>
internal static class PostFields
{
    /// <summary>A violation for each check that found something.</summary>
    public static IEnumerable<FieldViolation> Check(params (string Field, string? Problem)[] checks) =>
        checks.Where(check => check.Problem is not null).Select(check => new FieldViolation(check.Field, check.Problem!));

    /// <summary>A violation for each malformed tag, and one where their number is out of bounds.</summary>
    public static IEnumerable<FieldViolation> CheckTags(IReadOnlyList<string> tags, int atLeast)
    {
        if (tags.Count < atLeast || tags.Count > PostRules.MaxTags)
        {
            yield return new FieldViolation("tags", $"Must be {atLeast}-{PostRules.MaxTags} tags.");
            yield break;
        }

        for (var index = 0; index < tags.Count; index++)
        {
            if (PostRules.CheckTag(tags[index]) is { } problem)
            {
                yield return new FieldViolation($"tags[{index}]", problem);
            }
        }
    }

    /// <summary>A violation where a page size is out of bounds.</summary>
    public static string? CheckPageSize(int pageSize, int max) =>
        pageSize < 0 || pageSize > max ? $"Must be 1-{max}, or 0 for the default." : null;

    /// <summary>The one written form of a post id, whatever the caller's letter case.</summary>
    public static string Canonical(string postId) => Guid.ParseExact(postId, "D").ToString("D");
}
