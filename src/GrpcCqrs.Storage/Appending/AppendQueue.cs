using System.Data.Common;
using System.Threading.Channels;
using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage;

/// <summary>
/// Group commit: concurrent appends meet in a bounded queue, and one writer takes what is there and writes it in one transaction,
/// so that many commands share one flush to disk. A lone append is written at once. The idea is the commit coalescing of IMS Fast
/// Path (Gawlick and Kinkade, 1985).
/// </summary>
internal sealed partial class AppendQueue : BackgroundService
{
    /// <summary>How often a transaction is tried when the database says that trying again may help.</summary>
    private const int MaxTransientRetries = 5;

    private readonly Channel<PendingAppend> queue;
    private readonly AppendWriter writer;
    private readonly DatabaseProvider provider;
    private readonly CommitSignal signal;
    private readonly AppendOptions options;
    private readonly ILogger<AppendQueue> logger;
    private int queuedCommands;
    private int queuedOthers;
    private long queuedBytes;
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
        queue = Channel.CreateBounded<PendingAppend>(
            new BoundedChannelOptions(2 * this.options.QueueLength) { SingleReader = true, AllowSynchronousContinuations = false });
    }

    public async ValueTask<AppendVerdict> AppendAsync(AppendRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
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
        return await pending.Verdict;
    }

    /// <summary>
    /// Half of the queue is for commands, the other for what appends no event, audit entries above all: neither crowds out the other.
    /// </summary>
    private bool TryEnqueue(PendingAppend pending)
    {
        var count = Interlocked.Increment(ref CountOf(pending));
        var bytes = Interlocked.Add(ref queuedBytes, pending.Bytes);
        if (count <= options.QueueLength && bytes <= options.QueueBytes && queue.Writer.TryWrite(pending))
        {
            return true;
        }

        Forget(pending);
        return false;
    }

    private void Forget(PendingAppend pending)
    {
        Interlocked.Decrement(ref CountOf(pending));
        Interlocked.Add(ref queuedBytes, -pending.Bytes);
    }

    private ref int CountOf(PendingAppend pending) => ref pending.Request.Stream is null ? ref queuedOthers : ref queuedCommands;

    /// <summary>
    /// Has outbox rows removed with the next transaction, so that removing them neither competes with the appends for a lock nor
    /// costs a flush of its own. Without effect where they are removed already, so that an idle store writes nothing.
    /// </summary>
    public void RequestTrim(long position)
    {
        if (position > Interlocked.Read(ref trimmedTo))
        {
            Interlocked.Exchange(ref trimTo, position);
        }
    }

    /// <summary>Has a bounded number of commands that were answered before a time forgotten, now.</summary>
    public async ValueTask ForgetCommandsAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        Interlocked.Exchange(ref forgetBefore, UnixMicroseconds.From(before));
        await AppendAsync(new AppendRequest(), cancellationToken);
    }

    /// <summary>Removes now what was requested, where no append came by.</summary>
    public async ValueTask FlushTrimAsync(CancellationToken cancellationToken)
    {
        // Where there is something in the queue, its transaction does it.
        if (Interlocked.Read(ref trimTo) > 0 && Volatile.Read(ref queuedCommands) + Volatile.Read(ref queuedOthers) == 0)
        {
            await AppendAsync(new AppendRequest(), cancellationToken);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var batch = new List<PendingAppend>(options.MaxBatch);
        try
        {
            while (await queue.Reader.WaitToReadAsync(stoppingToken))
            {
                var isShared = batch.Count > 1;
                batch.Clear();
                Take(batch);
                if (isShared && options.MaxWait > TimeSpan.Zero)
                {
                    await WaitForCompanyAsync(batch);
                }

                await WriteAsync(batch, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What is still queued was not written; its callers are told so below.
        }
        finally
        {
            queue.Writer.TryComplete();
            while (queue.Reader.TryRead(out var pending))
            {
                pending.Fail(Unavailable("The service is stopping.", null));
            }

            await writer.DisposeAsync();
        }
    }

    private void Take(List<PendingAppend> batch)
    {
        while (batch.Count < options.MaxBatch && queue.Reader.TryRead(out var pending))
        {
            Forget(pending);
            if (pending.TryStart())
            {
                batch.Add(pending);
            }
        }
    }

    private async Task WaitForCompanyAsync(List<PendingAppend> batch)
    {
        using var limit = new CancellationTokenSource(options.MaxWait);
        try
        {
            while (batch.Count < options.MaxBatch && await queue.Reader.WaitToReadAsync(limit.Token))
            {
                Take(batch);
            }
        }
        catch (OperationCanceledException)
        {
            // Long enough.
        }
    }

    private async Task WriteAsync(List<PendingAppend> batch, CancellationToken stoppingToken)
    {
        var clearing = new Clearing(Interlocked.Exchange(ref trimTo, 0), Interlocked.Exchange(ref forgetBefore, 0));
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                // A transaction that has begun is finished even while the service stops: its callers wait for the verdict.
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
#pragma warning disable CA1031 // Whatever it was: the callers must be answered and the queue must go on.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                await writer.ResetAsync();
                LogBatchFailed(logger, batch.Count, exception);
                foreach (var pending in batch)
                {
                    // A value that the database refuses is a fault of the service, not a reason to repeat.
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
