using System.Text;
using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>A page of what happened to a post, the oldest event first. Answered from the event log.</summary>
public sealed record GetPostHistory(string PostId, int PageSize, string PageToken, bool IncludeData, bool IncludeChanges) : IValidatable
{
    /// <summary>The largest page.</summary>
    public const int MaxPageSize = 500;

    /// <summary>The page size where none is given.</summary>
    public const int DefaultPageSize = 50;

    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(
        ("post_id", PostRules.CheckId(PostId)), ("page_size", PostFields.CheckPageSize(PageSize, MaxPageSize)));
}

/// <summary>One event of a post.</summary>
public sealed record PostHistoryEntryView(
    long Version,
    long Position,
    string EventId,
    string EventType,
    int SchemaVersion,
    DateTimeOffset Time,
    string User,
    string CommandId,
    string CorrelationId,
    string CausationId,
    string Summary,
    string DataJson,
    IReadOnlyList<FieldChange> Changes);

/// <summary>Handles <see cref="GetPostHistory"/>.</summary>
public sealed class GetPostHistoryHandler(
    IEventStore store, AggregateStore<Post, PostEvent> posts, ISnapshots<Post> snapshots, EventTypeRegistry types, PageTokens tokens)
    : IEventLogQueryHandler<GetPostHistory, Page<PostHistoryEntryView>>
{
    /// <summary>
    /// Where a page with payloads is cut: well below the 4 MiB that gRPC clients accept by default, even if one more payload of
    /// 1 MiB, escaped, comes on top.
    /// </summary>
    private const int MaxDataBytes = 1024 * 1024;

    /// <summary>A payload larger than this is left out: with it alone an answer could pass those 4 MiB.</summary>
    private const int MaxPayloadBytes = 3 * 1024 * 1024;

    /// <inheritdoc/>
    public async ValueTask<Page<PostHistoryEntryView>> HandleAsync(GetPostHistory query, CancellationToken cancellationToken)
    {
        var id = PostFields.Canonical(query.PostId);
        var size = query.PageSize > 0 ? query.PageSize : GetPostHistory.DefaultPageSize;
        var after = tokens.Read(nameof(GetPostHistory), id, query.PageToken)?.Number ?? 0;

        // One more than is shown, which tells whether there is another page.
        var page = await store.ReadStreamAsync(StreamId.For<Post, PostEvent>(id), after + 1, size + 1, cancellationToken);
        if (page.Events.Count == 0 && after == 0)
        {
            throw PostErrors.PostNotFound(id);
        }

        var state = query.IncludeChanges ? (await posts.LoadAtVersionAsync(id, after, cancellationToken)).State : Post.Initial(id);
        var entries = new List<PostHistoryEntryView>(page.Events.Count);
        var bytes = 0;
        foreach (var record in page.Events.Take(size))
        {
            cancellationToken.ThrowIfCancellationRequested();
            bytes += (query.IncludeData ? record.Payload.Length : 0) + (query.IncludeChanges ? (int)state.ApproximateBytes : 0);
            if (entries.Count > 0 && bytes > MaxDataBytes)
            {
                break;
            }

            PostEvent[] events = [.. types.Read(record).Select(envelope => (PostEvent)envelope.Event)];
            var next = state.Fold(events);
            entries.Add(EntryOf(record, events, query.IncludeData, query.IncludeChanges ? StateChanges.Between(snapshots, state, next) : []));
            state = next;
        }

        var isLast = page.IsEnd && entries.Count == page.Events.Count;
        return new Page<PostHistoryEntryView>(
            entries, isLast ? "" : tokens.Write(nameof(GetPostHistory), id, entries[^1].Version, ""));
    }

    private static PostHistoryEntryView EntryOf(
        RecordedEvent record, IEnumerable<PostEvent> events, bool includeData, IReadOnlyList<FieldChange> changes) => new(
        record.Version,
        record.Position,
        record.EventId.ToString("D"),
        record.Type,
        record.SchemaVersion,
        record.Time,
        record.Metadata.User,
        record.Metadata.CommandId.ToString("D"),
        record.Metadata.CorrelationId,
        record.Metadata.CausationId,
        string.Join(' ', events.Select(@event => @event.Describe())),
        includeData && record.Payload.Length <= MaxPayloadBytes ? Encoding.UTF8.GetString(record.Payload.Span) : "",
        changes);
}
