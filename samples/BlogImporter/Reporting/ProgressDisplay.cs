using System.Globalization;
using Spectre.Console;

namespace BlogImporter;

/// <summary>Shows how far the import is: a bar on a terminal, a line now and then where the output goes elsewhere.</summary>
internal sealed class ProgressDisplay(IAnsiConsole console, TimeProvider clock, bool isQuiet)
{
    private static readonly TimeSpan BarInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(5);

    /// <summary>Shows progress until the import has ended, and passes its outcome on.</summary>
    public async Task<ImportOutcome> ShowAsync(Task<ImportOutcome> import, IHistory history, ImportTally tally)
    {
        if (isQuiet)
        {
            return await import;
        }

        if (!console.Profile.Capabilities.Interactive)
        {
            while (!await HasEndedAsync(import, LineInterval))
            {
                console.Write(new Text(Describe(history, tally) + "\n"));
            }

            return await import;
        }

        await console.Progress()
            .Columns(new SpinnerColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new TaskDescriptionColumn())
            .StartAsync(async context =>
            {
                var bar = context.AddTask("Importing", maxValue: 1);
                do
                {
                    bar.Value = history.Progress;
                    bar.Description = Describe(history, tally);
                }
                while (!await HasEndedAsync(import, BarInterval));
                bar.Value = history.Progress;
                bar.Description = Describe(history, tally);
            });
        return await import;
    }

    private static string Describe(IHistory history, ImportTally tally) => string.Create(
        CultureInfo.InvariantCulture,
        $"{history.Progress * 100:0} % read, {tally.Posts:N0} posts, {tally.Accepted:N0} commands, {tally.Rejected:N0} rejected");

    private async Task<bool> HasEndedAsync(Task import, TimeSpan interval) =>
        import.IsCompleted || await Task.WhenAny(import, Task.Delay(interval, clock)) == import;
}
