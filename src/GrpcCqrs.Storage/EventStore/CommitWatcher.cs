using GrpcCqrs.Storage.Databases;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>
/// Wakes this process when other processes append to the same write database. On its own connection, it listens for
/// notifications if the database supports them, and otherwise polls the newest position. After any failure it retries
/// with increasing delays; meanwhile the projection runner polls by itself.
/// </summary>
internal sealed partial class CommitWatcher(
    WriteDatabase database, CommitSignal signal, IOptions<StorageOptions> options, TimeProvider clock, ILogger<CommitWatcher> logger)
    : BackgroundService
{
    /// <summary>The delays before a failed watch is tried again.</summary>
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxRetryDelay = TimeSpan.FromSeconds(30);

    private readonly StorageOptions options = options.Value;
    private int failures;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await (database.Provider is ICommitNotifications notifications
                    ? notifications.ListenAsync(database.ConnectionString, Heard, stoppingToken)
                    : PollAsync(stoppingToken));
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // The host must survive any database error; the runner's polling still finds the commits.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                var wait = Backoff.After(++failures, RetryDelay, MaxRetryDelay);
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
    /// Ignores positions up to this process's own last commit, which the runner already knows. A notification is
    /// otherwise not trusted: it may come from another store in the same database, or from any other client.
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
