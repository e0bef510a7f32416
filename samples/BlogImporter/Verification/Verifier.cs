using System.Collections.Concurrent;
using System.Globalization;
using Blog.V1;
using Grpc.Core;
using GrpcCqrs.Client;

namespace BlogImporter;

/// <summary>Something that the service tells otherwise than the history implies.</summary>
/// <param name="Post">The post's key.</param>
/// <param name="Message">What differs, in a sentence.</param>
internal sealed record Difference(string Post, string Message);

/// <summary>What a verification found.</summary>
/// <param name="Posts">How many posts were read.</param>
/// <param name="Versions">How many versions of posts were read.</param>
/// <param name="Differences">What differs, by post.</param>
internal sealed record VerificationResult(int Posts, long Versions, IReadOnlyList<Difference> Differences);

/// <summary>
/// Reads posts back and compares them with what the accepted edits of the history imply; refused edits imply nothing, they are
/// reported as such. Titles and contents are compared ordinally.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="parallel">How many posts are read at the same time at most.</param>
internal sealed class Verifier(BlogService service, int parallel)
{
    private readonly ConcurrentBag<Difference> differences = [];
    private int posts;
    private long versions;

    /// <summary>Compares every post as it is now; a deleted one must be gone.</summary>
    /// <exception cref="ServiceLostException">The service does not answer.</exception>
    public Task<VerificationResult> VerifyPostsAsync(IEnumerable<PostRecord> records, CancellationToken cancellationToken) => ForEachAsync(
        records,
        async (record, token) =>
        {
            var post = await service.GetPostAsync(record.Id, record.ConsistencyToken, token);
            Interlocked.Increment(ref posts);
            Compare(record, record.StateAt(long.MaxValue), post, "the post");
        },
        cancellationToken);

    /// <summary>Compares every version of some posts, spread evenly over the history.</summary>
    /// <param name="records">All posts.</param>
    /// <param name="count">How many of them are walked.</param>
    /// <param name="cancellationToken">Ends the verification.</param>
    /// <exception cref="ServiceLostException">The service does not answer.</exception>
    public Task<VerificationResult> VerifyHistoriesAsync(IEnumerable<PostRecord> records, int count, CancellationToken cancellationToken)
    {
        PostRecord[] all = [.. records.Where(record => record.Steps.Count > 0)];
        count = Math.Min(count, all.Length);
        return ForEachAsync(Enumerable.Range(0, count).Select(i => all[(long)i * all.Length / count]), WalkAsync, cancellationToken);
    }

    private async Task WalkAsync(PostRecord record, CancellationToken cancellationToken)
    {
        var newest = record.Steps.Max(step => step.Version);
        Interlocked.Increment(ref posts);
        for (var version = 1L; version <= newest; version++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"version {version}");
            var post = await service.GetPostAsOfAsync(record.Id, version, cancellationToken);
            Interlocked.Increment(ref versions);
            if (record.Steps.All(step => step.Version != version))
            {
                differences.Add(new Difference(record.Key, $"No edit of the history made {name}; somebody else changes the post."));
            }

            var expected = record.StateAt(version);
            if (post is not null && (post.Version != version || post.Status == PostStatus.Deleted != expected.IsDeleted))
            {
                differences.Add(new Difference(record.Key, $"Asked for {name}, the service answers version {post.Version}, {post.Status}."));
            }

            Compare(record, expected with { IsDeleted = false }, post, name);
        }
    }

    private void Compare(PostRecord record, PostState expected, Post? actual, string what)
    {
        if (actual is null != expected.IsDeleted)
        {
            differences.Add(new Difference(
                record.Key, expected.IsDeleted ? $"The history deletes the post, and {what} is there." : $"The service knows nothing of {what}."));
        }
        else if (actual is not null)
        {
            CompareText(record, expected.Title, actual.Title, $"The title of {what}");
            CompareText(record, expected.Content, actual.Content, $"The content of {what}");
        }
    }

    private void CompareText(PostRecord record, TextDigest expected, string actual, string what)
    {
        if (TextDigest.Of(actual) != expected)
        {
            differences.Add(new Difference(record.Key, string.Create(
                CultureInfo.InvariantCulture,
                $"{what} is another ({actual.Length} UTF-16 code units) than in the history ({expected.Length}).")));
        }
    }

    private async Task<VerificationResult> ForEachAsync(
        IEnumerable<PostRecord> records, Func<PostRecord, CancellationToken, Task> verify, CancellationToken cancellationToken)
    {
        var bound = new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(records.Where(record => record.Steps.Count > 0), bound, async (record, token) =>
        {
            try
            {
                await verify(record, token);
            }
            catch (RpcException exception)
            {
                var error = RichError.From(exception);
                differences.Add(new Difference(record.Key, $"The service cannot tell: {error.StatusCode} {error.Reason}, {error.Message}"));
            }
        });

        return new VerificationResult(
            posts, versions, [.. differences.OrderBy(difference => difference.Post, StringComparer.Ordinal)]);
    }
}
