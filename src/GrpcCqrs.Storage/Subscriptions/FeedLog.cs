using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;

namespace GrpcCqrs.Storage.Subscriptions;

/// <summary>A range of the log for the feed.</summary>
/// <param name="Records">The events, in order.</param>
/// <param name="ScannedTo">Up to this position the range contains every requested event.</param>
/// <param name="IsEnd">Whether there were no later events when it was read.</param>
internal sealed record FeedPage(IReadOnlyList<FeedRecord> Records, long ScannedTo, bool IsEnd);

/// <summary>Reads pages of the log for the feed, small enough for many readers at once.</summary>
internal sealed class FeedLog(WriteDatabase database, IEventStore store, EventTypeRegistry types)
{
    private const int MaxPageBytes = 1024 * 1024;

    public ValueTask<long> ReadHeadAsync(CancellationToken cancellationToken) => store.ReadHeadAsync(cancellationToken);

    /// <summary>A range of the whole log.</summary>
    /// <param name="after">Start after this position.</param>
    /// <param name="committed">
    /// A position that is known to be committed. If the page is the last one, the log has been read completely up to
    /// here.
    /// </param>
    /// <param name="maxCount">The maximum number of events.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    public async Task<FeedPage> ReadAllAsync(long after, long committed, int maxCount, CancellationToken cancellationToken)
    {
        var page = await ReadAsync(EventSql.SelectAll(database.Provider), maxCount, cancellationToken, ("after", after));
        return PageOf(page, after, committed);
    }

    /// <summary>A range of one stream by position.</summary>
    /// <inheritdoc cref="ReadAllAsync"/>
    public async Task<FeedPage> ReadStreamAfterAsync(string stream, long after, long committed, int maxCount, CancellationToken cancellationToken)
    {
        var page = await ReadAsync(EventSql.SelectStreamAfter(database.Provider), maxCount, cancellationToken, ("stream", stream), ("after", after));
        return PageOf(page, after, committed);
    }

    /// <summary>A range of the filter's stream, or of the whole log if it names none.</summary>
    /// <inheritdoc cref="ReadAllAsync"/>
    public Task<FeedPage> ReadWantedAsync(FeedFilter filter, long after, long committed, int maxCount, CancellationToken cancellationToken) =>
        filter.Stream.Length > 0
            ? ReadStreamAfterAsync(filter.Stream, after, committed, maxCount, cancellationToken)
            : ReadAllAsync(after, committed, maxCount, cancellationToken);

    /// <summary>A range of one stream by version.</summary>
    public async Task<FeedPage> ReadStreamAsync(string stream, long fromVersion, int maxCount, CancellationToken cancellationToken)
    {
        var page = await ReadAsync(EventSql.SelectStream(database.Provider), maxCount, cancellationToken, ("stream", stream), ("from", fromVersion));
        return PageOf(page, 0, 0);
    }

    private FeedPage PageOf(EventPage page, long after, long committed)
    {
        var last = page.Events is [.., var newest] ? newest.Position : after;
        return new FeedPage(
            [.. page.Events.Select(record => new FeedRecord(record, types))], page.IsEnd ? Math.Max(last, committed) : last, page.IsEnd);
    }

    private async Task<EventPage> ReadAsync(
        string text, int maxCount, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = Statement.Once(connection, null, text, [.. parameters, ("count", maxCount)]);
        return await EventReader.ReadPageAsync(command, maxCount, cancellationToken, MaxPageBytes);
    }
}
