using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage;

/// <summary>
/// Wakes this process for what other processes append to the same write database: on a connection of its own it listens, where the
/// database tells of commits, or else asks for the newest position at intervals. Whatever fails is tried again, with growing waits; in
/// the meantime the projection runner looks by itself.
/// </summary>
internal sealed partial class CommitWatcher(
    WriteDatabase database, CommitSignal signal, IOptions<ProjectionOptions> options, TimeProvider clock, ILogger<CommitWatcher> logger)
    : BackgroundService
{
    private readonly ProjectionOptions options = options.Value;
    private int failures;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await (database.Provider.HasNotifications
                    ? database.Provider.ListenAsync(database.ConnectionString, Heard, stoppingToken)
                    : PollAsync(stoppingToken));
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever a database throws: the host must live, and commits of others are found without this too.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                var wait = options.RetryDelay * Math.Pow(2, Math.Min(failures++, 20));
                wait = wait < options.MaxRetryDelay ? wait : options.MaxRetryDelay;
                LogWatchFailed(logger, wait.TotalSeconds, exception);
                await Task.Delay(wait, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task PollAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        using var head = new Statement(connection, EventSql.SelectHead);
        var seen = 0L;
        while (true)
        {
            var position = (long)(await head.With(null).ExecuteScalarAsync(cancellationToken))!;
            if (position != seen)
            {
                seen = position;
                Heard(position);
            }

            await Task.Delay(options.WatchInterval, clock, cancellationToken);
        }
    }

    /// <summary>
    /// Of what this process committed itself the runner knows already, and of everything before that. What a notification says is
    /// believed no further than this: it may be another store's in the same database, or anybody's.
    /// </summary>
    private void Heard(long position)
    {
        failures = 0;
        if (position > signal.LastCommitted)
        {
            signal.Wake();
        }
    }

    [LoggerMessage(1102, LogLevel.Warning, "Watching the write database for commits of other processes failed; it is tried again in {WaitSeconds} s")]
    private static partial void LogWatchFailed(ILogger logger, double waitSeconds, Exception exception);
}
