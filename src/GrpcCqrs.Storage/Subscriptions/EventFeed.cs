using System.Globalization;
using System.Runtime.CompilerServices;
using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage.Subscriptions;

/// <summary>
/// The store's events for readers outside the service. Guarantees:
/// <list type="number">
/// <item>A read or subscription returns every matching event after its start exactly once, in order of position,
/// without a gap.</item>
/// <item>A subscription moves from past to new events without a gap or a repetition.</item>
/// <item>A checkpoint's position completely describes a reader's progress: a reader that starts after it misses
/// nothing.</item>
/// <item>Events are in their type's current schema; upcasters may have turned one recorded event into several, or
/// none.</item>
/// <item>No reader buffers more than a page, and a reader that stops reading does not delay others.</item>
/// </list>
/// </summary>
internal sealed class EventFeed
{
    private readonly FeedLog log;
    private readonly FeedTail tail;
    private readonly FeedOptions options;
    private readonly TimeProvider clock;
    private int open;

    internal EventFeed(FeedLog log, FeedTail tail, IOptions<FeedOptions> options, TimeProvider clock)
    {
        this.log = log;
        this.tail = tail;
        this.options = options.Value;
        this.clock = clock;
    }

    /// <summary>How many feed calls are open.</summary>
    public int OpenCalls => Volatile.Read(ref open);

    /// <summary>Counts an open feed call until the result is disposed.</summary>
    /// <exception cref="RejectedException"><see cref="FeedErrors.TooManySubscribers"/>.</exception>
    public IDisposable Open()
    {
        if (Interlocked.Increment(ref open) <= options.MaxSubscribers)
        {
            return new OpenCall(this);
        }

        Interlocked.Decrement(ref open);
        throw new RejectedException(FeedErrors.TooManySubscribers, $"As many feed calls are open as Feed:MaxSubscribers allows, which is {options.MaxSubscribers}.")
        {
            RetryAfter = options.RetryAfter,
        };
    }

    /// <summary>Reads the log after a position to its current end, and closes with a checkpoint.</summary>
    /// <param name="after">Start after this position; 0 for the beginning.</param>
    /// <param name="filter">The events to return.</param>
    /// <param name="maxPositions">The maximum number of positions with matching events to return.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="RejectedException"><see cref="FeedErrors.PositionOutOfRange"/>.</exception>
    public async IAsyncEnumerable<FeedMessage> ReadAllAsync(
        long after, FeedFilter filter, int maxPositions, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var head = await log.ReadHeadAsync(cancellationToken);
        RequireInLog(after, head);
        for (var position = after; position < head;)
        {
            var page = await ReadPageAsync(position, filter, head, cancellationToken);
            foreach (var record in page.Records.TakeWhile(record => record.Record.Position <= head))
            {
                if (filter.Select(record) is { Count: > 0 } events)
                {
                    yield return new FeedMessage.Events(record.Record.Position, events);
                    if (--maxPositions == 0)
                    {
                        yield return new FeedMessage.Checkpoint(record.Record.Position, IsEnd: record.Record.Position == head);
                        yield break;
                    }
                }
            }

            position = page.ScannedTo;
        }

        yield return new FeedMessage.Checkpoint(Math.Max(after, head), IsEnd: true);
    }

    /// <summary>Reads one stream from a version to its current end.</summary>
    /// <param name="stream">The stream's name.</param>
    /// <param name="fromVersion">The first version, from 1.</param>
    /// <param name="eventTypes">The event types to return; empty for all.</param>
    /// <param name="maxPositions">The maximum number of recorded events to return.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="RejectedException"><see cref="FeedErrors.StreamNotFound"/>.</exception>
    public async IAsyncEnumerable<FeedMessage.Events> ReadStreamAsync(
        string stream, long fromVersion, IReadOnlyList<string> eventTypes, int maxPositions, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var filter = new FeedFilter(eventTypes, "", "");
        var page = await log.ReadStreamAsync(stream, fromVersion, options.PageSize, cancellationToken);
        if (page.Records.Count == 0 && (await log.ReadStreamAsync(stream, 1, 1, cancellationToken)).Records.Count == 0)
        {
            throw new RejectedException(FeedErrors.StreamNotFound, $"There is no stream {stream}.") { Subject = $"streams/{stream}" };
        }

        while (true)
        {
            foreach (var record in page.Records)
            {
                if (filter.Select(record) is { Count: > 0 } events)
                {
                    yield return new FeedMessage.Events(record.Record.Position, events);
                    if (--maxPositions == 0)
                    {
                        yield break;
                    }
                }
            }

            if (page.IsEnd)
            {
                yield break;
            }

            page = await log.ReadStreamAsync(stream, page.Records[^1].Record.Version + 1, options.PageSize, cancellationToken);
        }
    }

    /// <summary>Reads the log after a position and then new events as they are committed, until cancelled.</summary>
    /// <param name="after">Start after this position; 0 for the beginning.</param>
    /// <param name="filter">The events to return.</param>
    /// <param name="cancellationToken">Ends the subscription.</param>
    /// <exception cref="RejectedException"><see cref="FeedErrors.PositionOutOfRange"/>.</exception>
    public async IAsyncEnumerable<FeedMessage> SubscribeAsync(
        long after, FeedFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        using var following = await tail.FollowAsync(cancellationToken);
        var head = await log.ReadHeadAsync(cancellationToken);
        RequireInLog(after, head);
        var isLive = false;
        var (position, sent, sentAt) = (after, after, clock.GetTimestamp());
        while (true)
        {
            var read = tail.Read(position, options.PageSize);
            if (read is { IsBehind: false, Records.Count: 0 })
            {
                if (!isLive && position >= head)
                {
                    isLive = true;
                    (sent, sentAt) = (position, clock.GetTimestamp());
                    yield return new FeedMessage.CaughtUp(position);
                }
                else if (position > sent && clock.GetElapsedTime(sentAt) >= options.CheckpointInterval)
                {
                    (sent, sentAt) = (position, clock.GetTimestamp());
                    yield return new FeedMessage.Checkpoint(position, IsEnd: true);
                }

                await WaitAsync(read.Changed, mayReport: position > sent, sentAt, cancellationToken);
                continue;
            }

            isLive &= !read.IsBehind;
            var page = read.IsBehind
                ? await ReadPageAsync(position, filter, tail.Position, cancellationToken)
                : new FeedPage(read.Records, read.Records[^1].Record.Position, IsEnd: false);
            foreach (var record in page.Records)
            {
                position = record.Record.Position;
                if (filter.Select(record) is { Count: > 0 } events)
                {
                    (sent, sentAt) = (position, clock.GetTimestamp());
                    yield return new FeedMessage.Events(position, events);
                }
                else if (position - sent >= options.CheckpointPositions)
                {
                    (sent, sentAt) = (position, clock.GetTimestamp());
                    yield return new FeedMessage.Checkpoint(position, IsEnd: false);
                }
            }

            position = page.ScannedTo;
        }
    }

    /// <summary>Rejects a position past the end of the log: it would wait for events that do not exist yet.</summary>
    internal static void RequireInLog(long after, long head)
    {
        if (after > head)
        {
            throw new RejectedException(FeedErrors.PositionOutOfRange, $"The newest event of this store is at position {head}, before {after}.")
            {
                Facts = new Dictionary<string, string>(StringComparer.Ordinal) { ["newest_position"] = head.ToString(CultureInfo.InvariantCulture) },
            };
        }
    }

    /// <summary>A page from the database; of one stream, if the filter names one.</summary>
    private Task<FeedPage> ReadPageAsync(long after, FeedFilter filter, long committed, CancellationToken cancellationToken) =>
        log.ReadWantedAsync(filter, after, committed, options.PageSize, cancellationToken);

    /// <summary>Waits until there are more events, or a checkpoint is due.</summary>
    private async Task WaitAsync(Task changed, bool mayReport, long sentAt, CancellationToken cancellationToken)
    {
        if (!mayReport)
        {
            await changed.WaitAsync(cancellationToken);
            return;
        }

        var due = options.CheckpointInterval - clock.GetElapsedTime(sentAt);
        if (due > TimeSpan.Zero)
        {
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(changed, Task.Delay(due, clock, enough.Token));
            await enough.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private sealed class OpenCall(EventFeed feed) : IDisposable
    {
        private int isClosed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isClosed, 1) == 0)
            {
                Interlocked.Decrement(ref feed.open);
            }
        }
    }
}
