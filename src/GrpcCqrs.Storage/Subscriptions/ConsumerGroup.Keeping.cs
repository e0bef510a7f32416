using System.Data.Common;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Readers;

namespace GrpcCqrs.Storage.Subscriptions;

/// <content>Writes a group's progress and renews its lease.</content>
internal sealed partial class ConsumerGroup
{
    /// <summary>Writes progress, renews the lease, and ends the group if it is unused or the lease is lost.</summary>
    private async Task KeepAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(options.AckInterval, clock, ending.Token);
                bool mustWrite;
                lock (gate)
                {
                    state.Tick();
                    Dispatch();
                    mustWrite = state.IsDirty || unwritten is not null || clock.GetElapsedTime(writtenAt) >= options.GroupLease / 3;
                    if (state.Members.Count == 0 && !state.IsDirty && clock.GetElapsedTime(usedAt) >= options.GroupLease)
                    {
                        End(Elsewhere());
                    }
                }

                if (mustWrite)
                {
                    await TryWriteAsync();
                }
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The group has ended.
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Break(exception);
        }

        await ReleaseAsync();
    }

    private async Task TryWriteAsync()
    {
        try
        {
            await WriteAsync(isReconciling: false);
        }
        catch (RejectedException)
        {
            // The group has ended, and its members have been notified.
        }
        catch (DbException exception)
        {
            LogFailed(logger, Name, exception);
            if (clock.GetElapsedTime(writtenAt) >= options.GroupLease)
            {
                End(new RejectedException(EngineErrors.DatabaseUnavailable, "The group's progress could not be written for too long.", exception)
                {
                    RetryAfter = options.RetryAfter,
                });
            }
        }
    }

    /// <summary>
    /// Writes all changes. It is short, so it is not cancelled. A failed write is retried unchanged before anything
    /// newer is written.
    /// </summary>
    private async Task WriteAsync(bool isReconciling)
    {
        await writing.WaitAsync();
        try
        {
            await WriteChangesAsync();
            if (MustReconcile(isReconciling))
            {
                var stored = await store.ReadParkedStreamsAsync(Name, CancellationToken.None);
                lock (gate)
                {
                    state.Reconcile(stored);
                    Dispatch();
                }
            }
        }
        finally
        {
            writing.Release();
        }
    }

    /// <summary>Whether to look for what operators have changed: when asked to, and when the lease is due.</summary>
    private bool MustReconcile(bool isAsked)
    {
        lock (gate)
        {
            if (!state.HasParked || (!isAsked && clock.GetElapsedTime(reconciledAt) < options.GroupLease / 3))
            {
                return false;
            }

            reconciledAt = clock.GetTimestamp();
            return true;
        }
    }

    private async Task WriteChangesAsync()
    {
        for (var isRepeated = true; isRepeated;)
        {
            var startedAt = clock.GetTimestamp();
            lock (gate)
            {
                isRepeated = unwritten is not null;
                unwritten ??= state.TakeChanges();
            }

            try
            {
                await store.SaveAsync(lease, unwritten, writes + 1, isRepeated, CancellationToken.None);
            }
            catch (LeaseLostException)
            {
                var reason = await store.FindAsync(Name, CancellationToken.None) is null
                    ? new RejectedException(FeedErrors.GroupNotFound, $"The consumer group {Name} was deleted.") { Subject = $"consumerGroups/{Name}" }
                    : Elsewhere();
                End(reason);
                throw reason;
            }

            lock (gate)
            {
                unwritten = null;
                writes++;
                writtenAt = startedAt;
                Dispatch();
            }
        }
    }

    private async Task ReleaseAsync()
    {
        try
        {
            await WriteAsync(isReconciling: false);
            await store.ReleaseAsync(lease, CancellationToken.None);
        }
        catch (RejectedException)
        {
            // Another process has already taken the group over.
        }
        catch (DbException exception)
        {
            LogFailed(logger, Name, exception);
        }
    }
}
