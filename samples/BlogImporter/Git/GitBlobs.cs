using System.Globalization;
using System.Text;

namespace BlogImporter;

/// <summary>Reads contents from a repository through one running <c>git cat-file</c>.</summary>
internal sealed class GitBlobs(string repository) : IAsyncDisposable
{
    /// <summary>The largest content that is read: 16 MiB, far more than the service takes. A larger one is passed over.</summary>
    public const int MaxBytes = 16 * 1024 * 1024;

    private readonly GitProcess git = GitProcess.Start(repository, "cat-file", "--batch");

    /// <summary>The content of a blob; null where it is too large.</summary>
    /// <exception cref="HistoryUnreadableException">The repository lacks it.</exception>
    public async Task<byte[]?> ReadAsync(string blob, CancellationToken cancellationToken)
    {
        try
        {
            await git.Input.WriteAsync(Encoding.ASCII.GetBytes(blob + "\n"), cancellationToken);
            await git.Input.FlushAsync(cancellationToken);
            var header = (await ReadLineAsync(cancellationToken)).Split(' ');
            if (header.Length != 3 || !long.TryParse(header[2], CultureInfo.InvariantCulture, out var size))
            {
                throw new HistoryUnreadableException($"The repository cannot be read: it lacks the object {blob}.");
            }

            var content = size <= MaxBytes ? new byte[size] : null;
            await ReadContentAsync(content, size, cancellationToken);
            return content;
        }
        catch (IOException exception)
        {
            throw new HistoryUnreadableException("The repository cannot be read: git cat-file has ended.", exception);
        }
    }

    public ValueTask DisposeAsync() => git.DisposeAsync();

    private async Task ReadContentAsync(byte[]? content, long size, CancellationToken cancellationToken)
    {
        if (content is not null)
        {
            await git.Output.ReadExactlyAsync(content, cancellationToken);
        }
        else
        {
            var passedOver = new byte[64 * 1024];
            for (var left = size; left > 0; left -= Math.Min(left, passedOver.Length))
            {
                await git.Output.ReadExactlyAsync(passedOver.AsMemory(0, (int)Math.Min(left, passedOver.Length)), cancellationToken);
            }
        }

        await git.Output.ReadExactlyAsync(new byte[1], cancellationToken);
    }

    /// <summary>The header line, of less than 100 bytes, byte by byte so that nothing of the content is taken with it.</summary>
    private async Task<string> ReadLineAsync(CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        var next = new byte[1];
        while (true)
        {
            await git.Output.ReadExactlyAsync(next, cancellationToken);
            if (next[0] == '\n')
            {
                return line.ToString();
            }

            line.Append((char)next[0]);
        }
    }
}
