using System.Threading.Channels;

namespace BlogImporter;

/// <summary>How an import ended.</summary>
/// <param name="Posts">The posts of the history, in the order of their first edits.</param>
/// <param name="Failure">Why it did not reach the end of the history, in a sentence; null where it did.</param>
/// <param name="IsCancelled">Whether it was told to stop.</param>
internal sealed record ImportOutcome(IReadOnlyList<PostRecord> Posts, string? Failure, bool IsCancelled);

/// <summary>
/// Carries out a history with a bounded number of workers. Edits whose posts have the same slug go to the same worker, through a
/// bounded queue, in the order of the history: so the edits of a post stay in order, and a post that takes over the slug of a
/// deleted one waits for the deletion. Posts with different slugs run in parallel.
/// </summary>
/// <param name="history">The history.</param>
/// <param name="service">The service.</param>
/// <param name="tally">Where everything is counted.</param>
/// <param name="parallel">How many workers, which is how many commands are under way at most.</param>
/// <param name="leaveDrafts">Whether posts are left as drafts.</param>
internal sealed class ImportRun(IHistory history, BlogService service, ImportTally tally, int parallel, bool leaveDrafts)
{
    /// <summary>
    /// How many edits wait for a worker at most: enough that one post with many edits does not leave the other workers without
    /// work, and few enough that waiting contents (1 MiB at most each) stay a small part of a large history.
    /// </summary>
    private const int QueueLength = 32;

    /// <summary>How long the commands under way may take to be answered once the import is told to stop.</summary>
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(5);

    private readonly record struct NumberedEdit(long Number, PostEdit Edit);

    /// <summary>Runs to the end of the history, to a failure, or until told to stop; commands under way are answered first.</summary>
    /// <param name="stop">Tells it to stop.</param>
    public async Task<ImportOutcome> RunAsync(CancellationToken stop)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var abandoning = new CancellationTokenSource();
        await using var registration = stopping.Token.Register(() => abandoning.CancelAfter(StopGrace));
        var importers = new PostImporter[parallel];
        var queues = new Channel<NumberedEdit>[parallel];
        for (var i = 0; i < parallel; i++)
        {
            importers[i] = new PostImporter(service, tally, leaveDrafts);
            queues[i] = Channel.CreateBounded<NumberedEdit>(new BoundedChannelOptions(QueueLength) { SingleReader = true, SingleWriter = true });
        }

        var workers = importers.Zip(queues, (importer, queue) => WorkAsync(importer, queue.Reader, stopping, abandoning.Token)).ToArray();
        var failure = await FillAsync(queues, stopping.Token);
        foreach (var queue in queues)
        {
            queue.Writer.Complete();
        }

        var failures = await Task.WhenAll(workers);
        failure = failures.FirstOrDefault(message => message is not null) ?? failure;
        return new ImportOutcome(
            [.. importers.SelectMany(importer => importer.Records).OrderBy(record => record.FirstSeen)], failure, stop.IsCancellationRequested);
    }

    /// <summary>Reads the history into the queues; the answer is why it did not get to its end, or null.</summary>
    private async Task<string?> FillAsync(Channel<NumberedEdit>[] queues, CancellationToken cancellationToken)
    {
        try
        {
            var number = 0L;
            await foreach (var item in history.ReadAsync(cancellationToken))
            {
                if (item is PostEdit edit)
                {
                    tally.CountEdit();
                    var worker = (int)((uint)string.GetHashCode(Names.Slug(edit.Post), StringComparison.Ordinal) % (uint)queues.Length);
                    await queues[worker].Writer.WriteAsync(new NumberedEdit(number++, edit), cancellationToken);
                }
                else if (item is MalformedItem malformed)
                {
                    tally.Reject(malformed.Place, post: null, malformed.Reason, malformed.Message);
                }
            }

            return null;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        catch (HistoryUnreadableException exception)
        {
            return exception.Message;
        }
    }

    /// <summary>Carries out what is in one queue; the answer is why all work must stop, or null.</summary>
    private static async Task<string?> WorkAsync(
        PostImporter importer, ChannelReader<NumberedEdit> queue, CancellationTokenSource stopping, CancellationToken abandon)
    {
        try
        {
            await foreach (var (number, edit) in queue.ReadAllAsync(stopping.Token))
            {
                stopping.Token.ThrowIfCancellationRequested();
                await importer.ImportAsync(edit, number, abandon);
            }

            return null;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        catch (ServiceLostException exception)
        {
            await stopping.CancelAsync();
            return exception.Message;
        }
        catch
        {
            // Nobody drains this queue any more, and whoever fills it must not wait for that.
            await stopping.CancelAsync();
            throw;
        }
    }
}
