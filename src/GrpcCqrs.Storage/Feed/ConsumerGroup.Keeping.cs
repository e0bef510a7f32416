using System.Data.Common;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

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
            await WriteAsync();
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

    private async Task WriteAsync()
    {
        await writing.WaitAsync();
        try
        {
            await WriteUnderTurnAsync();
        }
        finally
        {
            writing.Release();
        }
    }

    /// <summary>
    /// Writes all changes. It is short, so it is not cancelled. A failed write is retried unchanged before anything
    /// newer is written.
    /// </summary>
    private async Task WriteUnderTurnAsync()
    {
        for (var isRepeated = true; isRepeated;)
        {
            var startedAt = clock.GetTimestamp();
            lock (gate)
            {
                isRepeated = unwritten is not null;
                unwritten ??= state.TakeChanges();
            }

            if (isLost || !await store.SaveAsync(lease, unwritten, isRepeated, CancellationToken.None))
            {
                isLost = true;
                var reason = await store.FindAsync(Name, CancellationToken.None) is null
                    ? new RejectedException(FeedErrors.GroupNotFound, $"The consumer group {Name} was deleted.") { Subject = $"consumerGroups/{Name}" }
                    : Elsewhere();
                End(reason);
                throw reason;
            }

            lock (gate)
            {
                unwritten = null;
                writtenAt = startedAt;
                Dispatch();
            }
        }
    }

    private async Task ReleaseAsync()
    {
        try
        {
            await WriteAsync();
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
