using Spectre.Console;

namespace BlogImporter;

/// <summary>The program without its command line: import, verify, report.</summary>
/// <param name="options">What is asked for.</param>
/// <param name="history">The history.</param>
/// <param name="output">Where progress and summary go.</param>
/// <param name="error">Where failures go.</param>
/// <param name="clock">The clock.</param>
internal sealed class Importer(ImporterOptions options, IHistory history, IAnsiConsole output, TextWriter error, TimeProvider clock)
{
    /// <summary>Everything was imported, and what was verified is right.</summary>
    public const int AllGood = 0;

    /// <summary>Something was rejected, or differs.</summary>
    public const int SomeRejected = 1;

    /// <summary>The import could not run, or not to its end; running it again continues it.</summary>
    public const int NotFinished = 2;

    private const string Continue = "Running the import again continues it safely.";

    private readonly ImportTally tally = new();

    /// <summary>What was counted.</summary>
    public ImportTally Tally => tally;

    /// <summary>Runs to the end, or until told to stop.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken stop)
    {
        using var service = new BlogService(options.Server, options.RetryFor, clock);
        try
        {
            await service.ProbeAsync(stop);
            return await ImportAsync(service, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Fail($"Stopped before the end. {Continue}");
        }
        catch (ServiceLostException exception)
        {
            return Fail(exception.Message);
        }
    }

    private async Task<int> ImportAsync(BlogService service, CancellationToken stop)
    {
        var start = clock.GetTimestamp();
        var run = new ImportRun(history, service, tally, options.Parallel, options.LeaveDrafts);
        var progress = new ProgressDisplay(output, clock, options.Quiet);
        var outcome = await progress.ShowAsync(run.RunAsync(stop), history, tally);
        var elapsed = clock.GetElapsedTime(start);
        if (!options.Quiet && tally.Edits + tally.Rejected > 0)
        {
            Summary.Write(output, tally, elapsed);
        }

        Summary.WriteRejections(output, tally);
        if (outcome.IsCancelled)
        {
            return Fail($"Stopped before the end. {Continue}");
        }

        if (outcome.Failure is { } failure)
        {
            return Fail(tally.Edits > 0 ? $"{failure} {Continue}" : failure);
        }

        var isAsImplied = await VerifyAsync(service, outcome.Posts, stop);
        return tally.Rejected == 0 && isAsImplied ? AllGood : SomeRejected;
    }

    private async Task<bool> VerifyAsync(BlogService service, IReadOnlyList<PostRecord> posts, CancellationToken stop)
    {
        var isAsImplied = true;
        if (options.Verify)
        {
            var result = await new Verifier(service, options.Parallel).VerifyPostsAsync(posts, stop);
            Summary.WriteVerification(output, "Read back", result, options.Quiet);
            isAsImplied = result.Differences.Count == 0;
        }

        if (options.VerifyHistories > 0)
        {
            var result = await new Verifier(service, options.Parallel).VerifyHistoriesAsync(posts, options.VerifyHistories, stop);
            Summary.WriteVerification(output, "Histories", result, options.Quiet);
            isAsImplied &= result.Differences.Count == 0;
        }

        return isAsImplied;
    }

    private int Fail(string sentence)
    {
        error.WriteLine(sentence);
        return NotFinished;
    }
}
