using System.Diagnostics;
using Xunit;

namespace BlogImporter.Tests;

/// <summary>Reading from a repository that the test makes.</summary>
public sealed class GitHistoryTests : IDisposable
{
    private const string Body = "One line.\nAnother line.\nA third, so that a renaming is recognised.\n";

    private readonly ScratchDirectory scratch = new();

    public GitHistoryTests() => Git("init", "--quiet", "--initial-branch=main");

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task Creation_title_content_and_deletion_are_told_oldest_first()
    {
        Commit(("posts/a.md", "---\ntitle: A\nauthors: [Ann, Bob]\n---\n" + Body));
        Commit(("posts/a.md", "---\ntitle: B\nauthors: [Ann, Bob]\n---\n" + Body));
        Commit(("posts/a.md", "---\ntitle: B\nauthors: [Carl]\n---\n" + Body));
        Commit(("posts/a.md", "---\ntitle: C\n---\nNew.\r\n"));
        Commit(("posts/a.md", null));

        Assert.Equal(
            ["create a|A|" + Body + "|Ann, Bob", "title a|B||", "title a|C||", "content a||New.\r\n|", "delete a|||"],
            await ReadAsync("posts/"));
    }

    [Fact]
    public async Task Without_front_matter_the_file_is_the_content_and_the_committer_the_author()
    {
        Commit(("deep/post.markdown", "\uFEFF# Title\n\nпривет 🦀\r\n"), ("deep/picture.png", "x"), ("notes.txt", "y"));
        Assert.Equal(["create deep/post|Title|\uFEFF# Title\n\nпривет 🦀\r\n|A. Uthor"], await ReadAsync(""));
    }

    [Fact]
    public async Task A_renaming_keeps_the_post_and_its_old_path_starts_another_one()
    {
        Commit(("a.md", Body));
        Git("mv", "a.md", "b.md");
        Commit(("b.md", Body + "More.\n"));
        Commit(("a.md", "Other.\n"));
        Commit(("b.md", null));

        Assert.Equal(
            ["create a|a|" + Body + "|A. Uthor", "title a|b||", "content a||" + Body + "More.\n|", "create a (2)|a|Other.\n|A. Uthor", "delete a|||"],
            await ReadAsync(""));
    }

    [Fact]
    public async Task Posts_that_change_places_in_one_commit_stay_themselves()
    {
        Commit(("a.md", "# A\n" + Body), ("b.md", "# B\n\nSomething\nquite\ndifferent\n"));
        Git("mv", "a.md", "c.md");
        Git("mv", "b.md", "a.md");
        Git("mv", "c.md", "b.md");
        Git("commit", "--quiet", "-m", "swap");
        Commit(("a.md", "# B\n\nSomething\nquite\ndifferent\nnow\n"));

        var edits = await ReadAsync("");
        Assert.Equal(2, edits.Count(edit => edit.StartsWith("create", StringComparison.Ordinal)));
        Assert.EndsWith("now\n|", edits[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_merge_is_one_change_and_what_it_merges_is_not_seen_by_itself()
    {
        Commit(("a.md", "one\n"));
        Git("checkout", "--quiet", "-b", "side");
        Commit(("b.md", "draft\n"));
        Commit(("b.md", "done\n"));
        Git("checkout", "--quiet", "main");
        Commit(("a.md", "two\n"));
        Git("merge", "--quiet", "--no-ff", "-m", "merge", "side");

        Assert.Equal(
            ["create a|a|one\n|A. Uthor", "content a||two\n|", "create b|b|done\n|A. Uthor"],
            await ReadAsync(""));
        Assert.Equal(
            ["create a|a|one\n|A. Uthor", "create b|b|draft\n|A. Uthor", "content b||done\n|"],
            await ReadAsync("", "side"));
    }

    [Fact]
    public async Task A_deleted_post_can_be_created_again()
    {
        Commit(("a.md", "one\n"));
        Commit(("a.md", null));
        Commit(("a.md", "two\n"));
        Assert.Equal(["create a|a|one\n|A. Uthor", "delete a|||", "create a|a|two\n|A. Uthor"], await ReadAsync(""));
    }

    [Fact]
    public async Task Invalid_UTF8_is_malformed_and_the_post_begins_when_it_is_valid()
    {
        await File.WriteAllBytesAsync(scratch.File("a.md"), [0xFF, 0xFE, 0x41]);
        Commit();
        Commit(("a.md", "fine\n"));

        var items = await new GitHistory(scratch.Path, "", "HEAD").ReadAsync(default).ToListAsync();
        Assert.Equal("INVALID_UTF8", Assert.IsType<MalformedItem>(items[0]).Reason);
        Assert.Equal(EditKind.Create, Assert.IsType<PostEdit>(items[1]).Kind);
    }

    [Fact]
    public async Task A_symbolic_link_and_odd_file_names_do_no_harm()
    {
        File.CreateSymbolicLink(scratch.File("link.md"), "/etc/passwd");
        Commit(("a b\tc\"d.md", "x\n"), ("日本.md", "y\n"));
        Assert.Equal(["create a b\tc\"d|a b\tc\"d|x\n|A. Uthor", "create 日本|日本|y\n|A. Uthor"], await ReadAsync(""));
    }

    [Fact]
    public async Task A_folder_that_is_no_repository_and_an_unknown_branch_are_unreadable()
    {
        Commit(("a.md", "x"));
        await Assert.ThrowsAsync<HistoryUnreadableException>(async () => await new GitHistory("/nowhere", "", "HEAD").ReadAsync(default).ToListAsync());
        var unknown = await Assert.ThrowsAsync<HistoryUnreadableException>(() => ReadAsync("", "--output=x"));
        Assert.Contains("git says", unknown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Progress_reaches_its_end()
    {
        Commit(("a.md", "x\n"));
        Commit(("a.md", "y\n"));
        var history = new GitHistory(scratch.Path, "", "main");
        Assert.Equal(2, (await history.ReadAsync(default).ToListAsync()).Count);
        Assert.Equal(1, history.Progress);
    }

    private async Task<List<string>> ReadAsync(string folder, string branch = "main")
    {
        var items = await new GitHistory(scratch.Path, folder, branch).ReadAsync(default).ToListAsync();
        return [.. items.Cast<PostEdit>().Select(e => $"{e.Kind.ToString().ToLowerInvariant()} {e.Post}|{e.Title}|{e.Content}|{e.Author}")];
    }

    /// <summary>Writes files, or deletes those without content, and commits everything.</summary>
    private void Commit(params (string Path, string? Content)[] files)
    {
        foreach (var (path, content) in files)
        {
            var full = scratch.File(path);
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            if (content is null)
            {
                File.Delete(full);
            }
            else
            {
                File.WriteAllText(full, content);
            }
        }

        Git("add", "--all");
        Git("commit", "--quiet", "-m", "change");
    }

    private void Git(params string[] arguments)
    {
        var start = new ProcessStartInfo("git") { UseShellExecute = false, RedirectStandardError = true, WorkingDirectory = scratch.Path };
        foreach (var argument in (string[])["-c", "user.name=A. Uthor", "-c", "user.email=a@example.org", "-c", "core.autocrlf=false", "-c", "commit.gpgSign=false", .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        using var git = Process.Start(start)!;
        var complaint = git.StandardError.ReadToEnd();
        git.WaitForExit();
        Assert.True(git.ExitCode == 0, complaint);
    }
}
