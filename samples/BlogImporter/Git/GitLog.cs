using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace BlogImporter;

/// <summary>A file on one side of a change.</summary>
/// <param name="Path">Its path from the repository's root.</param>
/// <param name="Mode">Git's file mode: <c>100644</c> and <c>100755</c> are files, all else is not.</param>
/// <param name="Blob">The id of its content.</param>
internal sealed record GitFile(string Path, string Mode, string Blob);

/// <summary>A file that a commit changed.</summary>
/// <param name="Before">The file before; null where the commit adds it.</param>
/// <param name="After">The file after; null where the commit deletes it. Another path than before is a renaming.</param>
internal sealed record GitChange(GitFile? Before, GitFile? After);

/// <summary>A commit with what it changed against its first parent.</summary>
/// <param name="Id">The commit's id.</param>
/// <param name="Author">Its author's name.</param>
/// <param name="Changes">The files, in the order of their paths.</param>
internal sealed record GitCommit(string Id, string Author, IReadOnlyList<GitChange> Changes);

/// <summary>
/// The first-parent history of a branch, oldest commit first. So the history is one line: a merge is one commit, which changes what
/// it brings to the branch, and the commits that it merges are not seen by themselves.
/// </summary>
internal static class GitLog
{
    /// <summary>More than any path, name or id; a longer piece ends the reading.</summary>
    private const int MaxPieceBytes = 64 * 1024;

    private const char CommitMark = '\u0001';
    private const string NoFile = "000000";

    /// <summary>How many commits there are to read.</summary>
    /// <exception cref="HistoryUnreadableException">There is no such repository or branch.</exception>
    public static async Task<int> CountAsync(string repository, string folder, string branch, CancellationToken cancellationToken)
    {
        await using var git = GitProcess.Start(repository, ["rev-list", "--count", "--first-parent", "--end-of-options", branch, "--", .. Only(folder)]);
        using var reader = new StreamReader(git.Output);
        var count = await reader.ReadToEndAsync(cancellationToken);
        await git.EnsureSuccessAsync(cancellationToken);
        return int.Parse(count, CultureInfo.InvariantCulture);
    }

    /// <summary>The commits that change something in the folder. Renamings are told where half of the content stays.</summary>
    /// <exception cref="HistoryUnreadableException">Git fails.</exception>
    public static async IAsyncEnumerable<GitCommit> ReadAsync(
        string repository, string folder, string branch, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var git = GitProcess.Start(
            repository,
            [
                "-c", "log.showRoot=true", "-c", "i18n.logOutputEncoding=UTF-8", "log", "--reverse", "--first-parent", "--diff-merges=first-parent",
                "--raw", "--no-abbrev", "-z", "--find-renames=50%", "-l0", "--no-ext-diff", "--no-show-signature", "--no-notes", "--no-color",
                "--format=%x01%H%x00%an", "--end-of-options", branch, "--", .. Only(folder),
            ]);
        await using var pieces = DelimitedReader.ReadAsync(git.Output, 0, MaxPieceBytes, cancellationToken).GetAsyncEnumerator(cancellationToken);
        GitCommit? commit = null;
        var changes = new List<GitChange>();
        while (await pieces.MoveNextAsync())
        {
            var piece = Text(pieces.Current).TrimStart('\n');
            if (piece.StartsWith(CommitMark))
            {
                if (commit is not null)
                {
                    yield return commit with { Changes = [.. changes] };
                }

                changes.Clear();
                commit = new GitCommit(piece[1..], await NextAsync(pieces), []);
            }
            else if (piece.StartsWith(':'))
            {
                changes.Add(await ReadChangeAsync(piece, pieces));
            }
        }

        await git.EnsureSuccessAsync(cancellationToken);
        if (commit is not null)
        {
            yield return commit with { Changes = [.. changes] };
        }
    }

    /// <summary>Reads a raw record, <c>:mode mode blob blob status</c>, and the one path behind it, or two for a renaming.</summary>
    private static async Task<GitChange> ReadChangeAsync(string record, IAsyncEnumerator<Piece> pieces)
    {
        var fields = record[1..].Split(' ');
        if (fields.Length != 5)
        {
            throw new HistoryUnreadableException("The repository cannot be read: git's log has an unknown form.");
        }

        var before = await NextAsync(pieces);
        var after = fields[4].StartsWith('R') ? await NextAsync(pieces) : before;
        return new GitChange(
            fields[0] == NoFile ? null : new GitFile(before, fields[0], fields[2]),
            fields[1] == NoFile ? null : new GitFile(after, fields[1], fields[3]));
    }

    private static async Task<string> NextAsync(IAsyncEnumerator<Piece> pieces) =>
        await pieces.MoveNextAsync() ? Text(pieces.Current) : throw new HistoryUnreadableException("The repository cannot be read: git's log ends too early.");

    private static string Text(Piece piece) => piece.IsTooLong
        ? throw new HistoryUnreadableException("The repository cannot be read: it has a path of more than 64 KiB.")
        : Encoding.UTF8.GetString(piece.Bytes);

    private static string[] Only(string folder) => folder.Length == 0 ? [] : [$":(top,literal){folder}"];
}
