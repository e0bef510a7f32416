using GrpcCqrs.Storage.EventStore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage.Subscriptions;

/// <summary>The result of a read from the tail.</summary>
/// <param name="Records">
/// The cached events after the reader's position, in order and without a gap; may be empty.
/// </param>
/// <param name="IsBehind">
/// Whether the reader is further behind than the cache goes back, and must read from the database.
/// </param>
/// <param name="Changed">Completes when there is more.</param>
internal sealed record TailRead(IReadOnlyList<FeedRecord> Records, bool IsBehind, Task Changed);

/// <summary>
/// Caches the latest events in memory for all readers of the process. One loop reads them from the database, woken by
/// commits and by a poll, as long as there are followers. A follower reads new events from here at its own pace, and
/// evicted ones from the database. So memory is bounded whatever the followers do.
/// </summary>
internal sealed partial class FeedTail : BackgroundService
{
    private static readonly TimeSpan FailurePause = TimeSpan.FromSeconds(1);

    private readonly FeedLog log;
    private readonly CommitSignal signal;
    private readonly FeedOptions options;
    private readonly TimeProvider clock;
    private readonly ILogger<FeedTail> logger;
    private readonly Lock gate = new();
    private readonly FeedRecord?[] ring;
    private long first = 1;
    private long position;
    private long bytes;
    private int followers;
    private bool isReading;
    private TaskCompletionSource followed = NewSource();
    private TaskCompletionSource ready = NewSource();
    private TaskCompletionSource changed = NewSource();

    public FeedTail(FeedLog log, CommitSignal signal, IOptions<FeedOptions> options, TimeProvider clock, ILogger<FeedTail> logger)
    {
        this.log = log;
        this.signal = signal;
        this.options = options.Value;
        this.clock = clock;
        this.logger = logger;
        ring = new FeedRecord[this.options.RingEvents];
    }

    /// <summary>The latest position that the tail has read; only meaningful to a follower.</summary>
    public long Position
    {
        get
        {
            lock (gate)
            {
                return position;
            }
        }
    }

    /// <summary>
    /// Starts following: keeps the tail reading, and waits until it knows the end of the log. Dispose the result to
    /// stop.
    /// </summary>
    public async Task<IDisposable> FollowAsync(CancellationToken cancellationToken)
    {
        Task isReady;
        lock (gate)
        {
            followers++;
            followed.TrySetResult();
            isReady = ready.Task;
        }

        var follower = new Follower(this);
        try
        {
            await isReady.WaitAsync(cancellationToken);
            return follower;
        }
        catch
        {
            follower.Dispose();
            throw;
        }
    }

    /// <summary>The cached events after a position.</summary>
    public TailRead Read(long after, int maxCount)
    {
        lock (gate)
        {
            if (after >= position)
            {
                return new TailRead([], IsBehind: false, changed.Task);
            }

            if (after + 1 < first)
            {
                return new TailRead([], IsBehind: true, Task.CompletedTask);
            }

            var count = (int)Math.Min(maxCount, position - after);
            var records = new FeedRecord[count];
            for (var index = 0; index < count; index++)
            {
                records[index] = ring[(after + 1 + index) % ring.Length]!;
            }

            return new TailRead(records, IsBehind: false, Task.CompletedTask);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var commits = signal.Register();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (!await IsFollowedAsync(stoppingToken))
                {
                    continue;
                }

                var page = await log.ReadAllAsync(Position, committed: 0, options.PageSize, stoppingToken);
                Add(page.Records);
                if (page.IsEnd)
                {
                    await commits.WaitAsync(options.PollInterval, stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // The tail must outlive whatever a database throws at it; its followers wait meanwhile.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                LogFailed(logger, exception);
                await Task.Delay(FailurePause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Sleeps while there are no followers; restarts at the end of the log for the first one.</summary>
    private async Task<bool> IsFollowedAsync(CancellationToken stoppingToken)
    {
        Task wait;
        lock (gate)
        {
            if (followers > 0 && isReading)
            {
                return true;
            }

            if (followers == 0 && isReading)
            {
                isReading = false;
                ready = NewSource();
                Array.Clear(ring);
                bytes = 0;
            }

            if (followers == 0 && followed.Task.IsCompleted)
            {
                followed = NewSource();
            }

            wait = followed.Task;
        }

        await wait.WaitAsync(stoppingToken);
        var head = await log.ReadHeadAsync(stoppingToken);
        lock (gate)
        {
            // An earlier follower may know a later position than this head. The ring still starts
            // right after the head.
            position = head;
            first = head + 1;
            isReading = true;
            ready.TrySetResult();
        }

        return followers > 0;
    }

    private void Add(IReadOnlyList<FeedRecord> records)
    {
        if (records.Count == 0)
        {
            return;
        }

        TaskCompletionSource grown;
        lock (gate)
        {
            foreach (var record in records)
            {
                if (record.Record.Position != position + 1)
                {
                    // Only a tampered log has a gap. Restart the ring after it.
                    Array.Clear(ring);
                    (first, bytes) = (record.Record.Position, 0);
                }

                position = record.Record.Position;
                while (position - first >= ring.Length || (bytes > options.RingBytes && first < position))
                {
                    Drop();
                }

                ring[position % ring.Length] = record;
                bytes += record.Record.Payload.Length;
            }

            grown = changed;
            changed = NewSource();
        }

        grown.TrySetResult();
    }

    private void Drop()
    {
        ref var oldest = ref ring[first % ring.Length];
        bytes -= oldest!.Record.Payload.Length;
        oldest = null;
        first++;
    }

    private void Leave()
    {
        lock (gate)
        {
            followers--;
        }
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(1401, LogLevel.Error, "The feed could not read the newest events; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    private sealed class Follower(FeedTail tail) : IDisposable
    {
        private int isGone;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isGone, 1) == 0)
            {
                tail.Leave();
            }
        }
    }
}
