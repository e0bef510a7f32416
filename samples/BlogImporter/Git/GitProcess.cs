using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace BlogImporter;

/// <summary>
/// One run of the <c>git</c> executable: arguments as a list, no shell in between, no prompt, nothing written to the repository.
/// Disposing ends it.
/// </summary>
internal sealed class GitProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly Task<string> complaint;

    private GitProcess(Process process)
    {
        this.process = process;
        complaint = process.StandardError.ReadToEndAsync();
    }

    /// <summary>What git writes, as bytes.</summary>
    public Stream Output => process.StandardOutput.BaseStream;

    /// <summary>What git reads, as bytes.</summary>
    public Stream Input => process.StandardInput.BaseStream;

    /// <summary>Starts git in a repository.</summary>
    /// <exception cref="HistoryUnreadableException">There is no git.</exception>
    public static GitProcess Start(string repository, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("git")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardErrorEncoding = Encoding.UTF8,
            Environment = { ["LC_ALL"] = "C", ["GIT_TERMINAL_PROMPT"] = "0", ["GIT_OPTIONAL_LOCKS"] = "0" },
        };
        foreach (var argument in (IEnumerable<string>)["-C", repository, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        try
        {
            return new GitProcess(Process.Start(start)!);
        }
        catch (Win32Exception exception)
        {
            throw new HistoryUnreadableException("The program git is not installed, or not on the path.", exception);
        }
    }

    /// <summary>Waits for the end and sees to it that it was a good one.</summary>
    /// <exception cref="HistoryUnreadableException">Git failed; the message has its first line.</exception>
    public async Task EnsureSuccessAsync(CancellationToken cancellationToken)
    {
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
        {
            var firstLine = (await complaint).Split('\n')[0].Trim();
            throw new HistoryUnreadableException($"The repository cannot be read: git says \"{firstLine}\".");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        process.Dispose();
    }
}
