using System.Data.Common;
using System.Diagnostics;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>
/// Group commit: concurrent appends enter a bounded queue, and one writer writes all that are queued in one
/// transaction, so that many commands share one flush to disk. A lone append is written at once. The writer has its own
/// thread: an embedded database blocks it, which would take a thread from a small pool. The idea is the commit
/// coalescing of IMS Fast Path (Gawlick and Kinkade, 1985).
/// </summary>
internal sealed partial class AppendQueue : BackgroundService
{
    /// <summary>How often a transaction is retried after a transient error.</summary>
    private const int MaxTransientRetries = 5;

    /// <summary>Guards the queue and its counters. Held only briefly.</summary>
    private readonly object gate = new();
    private readonly Queue<PendingAppend> queue = new();
    private readonly AppendWriter writer;
    private readonly DatabaseProvider provider;
    private readonly CommitSignal signal;
    private readonly AppendOptions options;
    private readonly ILogger<AppendQueue> logger;
    private int queuedCommands;
    private int queuedOthers;
    private long queuedBytes;
    private bool isClosed;
    private bool isWaiting;
    private long trimTo;
    private long trimmedTo;
    private long forgetBefore;

    public AppendQueue(
        WriteDatabase database, AppendWriter writer, CommitSignal signal, IOptions<AppendOptions> options, ILogger<AppendQueue> logger)
    {
        this.writer = writer;
        this.signal = signal;
        this.options = options.Value;
        this.logger = logger;
        provider = database.Provider;
    }

    public async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        CommandGuard.ThrowIfInTransaction();
        RequestShape.ThrowIfMalformed(request);
        var pending = new PendingAppend(request);
        if (!TryEnqueue(pending))
        {
            throw new RejectedException(EngineErrors.WriteQueueFull, "More commands wait to be written than the queue may hold.")
            {
                RetryAfter = options.RetryAfter,
            };
        }

        await using var registration = cancellationToken.UnsafeRegister(static state => ((PendingAppend)state!).TryCancel(), pending);
        return await pending.Result;
    }

    /// <summary>
    /// Commands and appends without events (mostly audit entries) have separate limits: neither crowds out the other.
    /// </summary>
    private bool TryEnqueue(PendingAppend pending)
    {
        lock (gate)
        {
            ref var count = ref CountOf(pending);
            if (isClosed || count >= options.QueueLength || queuedBytes + pending.Bytes > options.QueueBytes)
            {
                return false;
            }

            count++;
            queuedBytes += pending.Bytes;
            queue.Enqueue(pending);
            if (isWaiting)
            {
                isWaiting = false;
                Monitor.Pulse(gate);
            }

            return true;
        }
    }

    private ref int CountOf(PendingAppend pending) => ref pending.Request.Stream is null ? ref queuedOthers : ref queuedCommands;

    /// <summary>
    /// Removes outbox rows in the next append's transaction, so that it neither competes with the appends for a lock
    /// nor costs its own flush. Does nothing if the rows are already removed, so that an idle store writes nothing.
    /// </summary>
    public void RequestTrim(long position)
    {
        if (position > Interlocked.Read(ref trimmedTo))
        {
            Interlocked.Exchange(ref trimTo, position);
        }
    }

    /// <summary>Removes, now, a bounded number of commands that were answered before a given time.</summary>
    public async ValueTask DeleteCommandsAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        Interlocked.Exchange(ref forgetBefore, UnixMicroseconds.From(before));
        await AppendAsync(new AppendRequest(), cancellationToken);
    }

    /// <summary>Runs a requested trim now, if no append has done so.</summary>
    public async ValueTask FlushTrimAsync(CancellationToken cancellationToken)
    {
        bool isEmpty;
        lock (gate)
        {
            isEmpty = queue.Count == 0;
        }

        // If the queue has appends, their transaction runs it.
        if (isEmpty && Interlocked.Read(ref trimTo) > 0)
        {
            await AppendAsync(new AppendRequest(), cancellationToken);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => Run(stoppingToken, ended)) { IsBackground = true, Name = "append-writer" }.Start();
        return ended.Task;
    }

    private void Run(CancellationToken stoppingToken, TaskCompletionSource ended)
    {
        try
        {
            using (stoppingToken.UnsafeRegister(static queue => ((AppendQueue)queue!).Close(), this))
            {
                var batch = new List<PendingAppend>(options.MaxBatch);
                while (Take(batch))
                {
                    // Blocking is safe: nothing else runs on this thread, so nothing it waits for can depend on it.
                    WriteAsync(batch, stoppingToken).GetAwaiter().GetResult();
                }
            }

            writer.DisposeAsync().AsTask().GetAwaiter().GetResult();
            ended.SetResult();
        }
#pragma warning disable CA1031 // The host stops when this service fails, and logs why.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Close();
            ended.SetException(exception);
        }
    }

    /// <summary>Waits for appends and takes up to a batch of them; returns false once the queue is closed.</summary>
    private bool Take(List<PendingAppend> batch)
    {
        var isShared = batch.Count > 1;
        batch.Clear();
        lock (gate)
        {
            while (batch.Count == 0)
            {
                while (queue.Count == 0 && !isClosed)
                {
                    Wait(Timeout.InfiniteTimeSpan);
                }

                if (isClosed)
                {
                    return false;
                }

                Move(batch);
            }

            if (isShared && options.MaxWait > TimeSpan.Zero)
            {
                WaitForCompany(batch);
            }
        }

        return true;
    }

    private void WaitForCompany(List<PendingAppend> batch)
    {
        var clock = Stopwatch.StartNew();
        while (batch.Count < options.MaxBatch && !isClosed && options.MaxWait - clock.Elapsed is var left && left > TimeSpan.Zero)
        {
            Wait(left);
            Move(batch);
        }
    }

    private void Wait(TimeSpan atMost)
    {
        isWaiting = true;
        Monitor.Wait(gate, atMost);
        isWaiting = false;
    }

    private void Move(List<PendingAppend> batch)
    {
        while (batch.Count < options.MaxBatch && queue.TryDequeue(out var pending))
        {
            CountOf(pending)--;
            queuedBytes -= pending.Bytes;
            if (pending.TryStart())
            {
                batch.Add(pending);
            }
        }
    }

    /// <summary>Closes the queue and fails the appends that were not written.</summary>
    private void Close()
    {
        PendingAppend[] left;
        lock (gate)
        {
            isClosed = true;
            left = [.. queue];
            queue.Clear();
            Monitor.Pulse(gate);
        }

        foreach (var pending in left)
        {
            pending.Fail(Unavailable("The service is stopping.", null));
        }
    }

    private async Task WriteAsync(List<PendingAppend> batch, CancellationToken stoppingToken)
    {
        var clearing = new Clearing(Interlocked.Exchange(ref trimTo, 0), Interlocked.Exchange(ref forgetBefore, 0));
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                // A transaction that has begun is finished even during shutdown: its callers wait for the result.
                var head = await writer.WriteAsync(batch, clearing, CancellationToken.None);
                foreach (var pending in batch)
                {
                    pending.Complete();
                }

                if (clearing.OutboxTo > 0)
                {
                    Interlocked.Exchange(ref trimmedTo, clearing.OutboxTo);
                }

                signal.Committed(head);
                return;
            }
            catch (DbException exception) when (provider.IsTransient(exception) && attempt <= MaxTransientRetries)
            {
                await writer.ResetAsync();
                await Task.Delay(TimeSpan.FromMilliseconds(10 << attempt), stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (DbException exception) when (provider.IsDataError(exception) && batch.Count > 1)
            {
                await writer.ResetAsync();
                foreach (var pending in batch)
                {
                    await WriteAsync([pending], stoppingToken);
                }

                return;
            }
#pragma warning disable CA1031 // Whatever the error, the callers need a result and the queue must continue.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                await writer.ResetAsync();
                LogBatchFailed(logger, batch.Count, exception);
                foreach (var pending in batch)
                {
                    // A value that the database rejects is a bug in the service; retrying cannot help.
                    pending.Fail(exception is DbException refused && provider.IsDataError(refused)
                        ? refused
                        : Unavailable("The write database failed.", exception));
                }

                return;
            }
        }
    }

    private RejectedException Unavailable(string message, Exception? cause) =>
        new(EngineErrors.DatabaseUnavailable, message, cause) { RetryAfter = options.RetryAfter };

    [LoggerMessage(1101, LogLevel.Error, "A transaction of {Count} appends failed; none of them was answered as written")]
    private static partial void LogBatchFailed(ILogger logger, int count, Exception exception);
}
