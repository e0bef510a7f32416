using System.Runtime.CompilerServices;
using System.Text;

namespace BlogImporter;

/// <summary>
/// A history from a git repository of Markdown posts (<c>.md</c>, <c>.markdown</c>). A post's key is the path at which it was created,
/// without the folder asked for and without the extension; a renaming keeps the post. A path that is created while a renamed post
/// still has its key gets a number behind it, <c>about (2)</c>. A commit that changes nothing of a post's title and content, such as
/// its author or its place, is no edit.
/// </summary>
/// <param name="repository">The repository's directory.</param>
/// <param name="folder">Only this folder, from the root; empty for all.</param>
/// <param name="branch">A branch, tag or commit.</param>
internal sealed class GitHistory(string repository, string folder, string branch) : IHistory
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string prefix = folder.Replace('\\', '/').Trim('/') is { Length: > 0 } path ? path + "/" : "";
    private readonly Dictionary<string, LivePost> posts = new(StringComparer.Ordinal);
    private readonly HashSet<string> liveKeys = new(StringComparer.Ordinal);

    // The posts on their way from one path to another within one commit, by the path to come.
    private readonly Dictionary<string, LivePost> moved = new(StringComparer.Ordinal);
    private int commitsRead;
    private int commitsInAll = 1;

    public double Progress => (double)Volatile.Read(ref commitsRead) / Volatile.Read(ref commitsInAll);

    public async IAsyncEnumerable<HistoryItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Volatile.Write(ref commitsInAll, Math.Max(1, await GitLog.CountAsync(repository, prefix, branch, cancellationToken)));
        await using var blobs = new GitBlobs(repository);
        await foreach (var commit in GitLog.ReadAsync(repository, prefix, branch, cancellationToken))
        {
            foreach (var deletion in TakeAway(commit))
            {
                yield return deletion;
            }

            foreach (var change in commit.Changes)
            {
                if (IsPost(change.After))
                {
                    foreach (var item in await PutAsync(commit, change.After!, blobs, cancellationToken))
                    {
                        yield return item;
                    }
                }
            }

            moved.Clear();
            Interlocked.Increment(ref commitsRead);
        }
    }

    /// <summary>
    /// Takes what a commit deletes or renames from its paths, before anything is put there: two posts can change places in a commit.
    /// </summary>
    private List<PostEdit> TakeAway(GitCommit commit)
    {
        var deletions = new List<PostEdit>();
        foreach (var (before, after) in commit.Changes)
        {
            var isKept = IsPost(after);
            if (before is null || (isKept && after!.Path == before.Path) || !posts.Remove(before.Path, out var post))
            {
                continue;
            }

            if (isKept)
            {
                moved[after!.Path] = post;
            }
            else
            {
                liveKeys.Remove(post.Key);
                deletions.Add(new PostEdit(Place(commit, before), post.Key, EditKind.Delete));
            }
        }

        return deletions;
    }

    /// <summary>The edits by which the post at a path becomes what the commit makes of it.</summary>
    private async Task<List<HistoryItem>> PutAsync(GitCommit commit, GitFile file, GitBlobs blobs, CancellationToken cancellationToken)
    {
        if (moved.Remove(file.Path, out var post))
        {
            posts[file.Path] = post;
        }
        else
        {
            posts.TryGetValue(file.Path, out post);
        }

        var place = Place(commit, file);
        if (await blobs.ReadAsync(file.Blob, cancellationToken) is not { } bytes)
        {
            return [new MalformedItem(place, "FILE_TOO_LARGE", $"The file is larger than {GitBlobs.MaxBytes / 1024 / 1024} MiB.")];
        }

        string text;
        try
        {
            text = StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return [new MalformedItem(place, "INVALID_UTF8", "The file is no valid UTF-8.")];
        }

        var markdown = MarkdownPost.Parse(text, Path.GetFileNameWithoutExtension(file.Path));
        var (title, content) = (TextDigest.Of(markdown.Title), TextDigest.Of(markdown.Content));
        if (post is null)
        {
            var key = NewKey(file.Path);
            posts[file.Path] = new LivePost(key, title, content);
            return [new PostEdit(place, key, EditKind.Create, markdown.Title, markdown.Content, AuthorLine.From(markdown.Authors, commit.Author))];
        }

        var edits = new List<HistoryItem>();
        if (post.Title != title)
        {
            edits.Add(new PostEdit(place, post.Key, EditKind.Title, Title: markdown.Title));
        }

        if (post.Content != content)
        {
            edits.Add(new PostEdit(place, post.Key, EditKind.Content, Content: markdown.Content));
        }

        posts[file.Path] = post with { Title = title, Content = content };
        return edits;
    }

    private string NewKey(string path)
    {
        var name = path[prefix.Length..path.LastIndexOf('.')];
        var key = name;
        for (var number = 2; !liveKeys.Add(key); number++)
        {
            key = $"{name} ({number})";
        }

        return key;
    }

    private static bool IsPost(GitFile? file) =>
        file is not null && file.Mode.StartsWith("100", StringComparison.Ordinal)
        && (file.Path.EndsWith(".md", StringComparison.OrdinalIgnoreCase) || file.Path.EndsWith(".markdown", StringComparison.OrdinalIgnoreCase));

    private static string Place(GitCommit commit, GitFile file) => $"commit {commit.Id[..10]} {file.Path}";

    /// <summary>A post that is there, and what it looks like.</summary>
    private sealed record LivePost(string Key, TextDigest Title, TextDigest Content);
}
