using System.Diagnostics;
using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Feed.V1;
using EventMetadata = GrpcCqrs.EventSourcing.EventMetadata;

namespace Benchmarks;

/// <summary>The ceiling of what goes through the whole log: its events in memory, deserialised and folded into posts, on one thread.</summary>
internal sealed class EventFold
{
    private static readonly EventTypeRegistry Types = EventTypeRegistry.Of<PostEvent>(PostEventsJson.Default);

    private readonly List<RecordedEvent> events = [];

    /// <summary>How many events.</summary>
    public int Count => events.Count;

    /// <summary>How large an event's message is in the feed, on average, in bytes.</summary>
    public int MessageBytes { get; private set; }

    /// <summary>Takes the events that a service has now.</summary>
    public static async Task<EventFold> LoadAsync(EventFeedService.EventFeedServiceClient client)
    {
        var fold = new EventFold();
        var bytes = 0L;
        await ReadAsync(client, message =>
        {
            bytes += message.CalculateSize();
            fold.events.Add(Record(message.Event));
        });
        fold.MessageBytes = (int)(bytes / fold.Count);
        return fold;
    }

    /// <summary>Reads a log from its beginning to its end through a subscription.</summary>
    public static async Task<int> ReadAsync(EventFeedService.EventFeedServiceClient client, Action<SubscribeResponse> take)
    {
        using var call = client.Subscribe(new SubscribeRequest());
        for (var count = 0; await call.ResponseStream.MoveNext(CancellationToken.None); count++)
        {
            if (call.ResponseStream.Current.CaughtUp is not null)
            {
                return count;
            }

            take(call.ResponseStream.Current);
        }

        throw new InvalidOperationException("The subscription ended by itself.");
    }

    /// <summary>Folds for at least a time, all events as often as it takes.</summary>
    /// <returns>Events a second.</returns>
    public Task<double> RunAsync(TimeSpan length) => Task.Run(() =>
    {
        var (clock, folded) = (Stopwatch.StartNew(), 0L);
        while (clock.Elapsed < length)
        {
            var posts = new Dictionary<StreamId, Post>();
            foreach (var record in events)
            {
                foreach (var envelope in Types.Read(record))
                {
                    posts[record.Stream] = posts.GetValueOrDefault(record.Stream, Post.Initial(record.Stream.Id)).Apply((PostEvent)envelope.Event);
                }
            }

            folded += posts.Count > 0 ? events.Count : throw new InvalidOperationException("There was nothing to fold.");
        }

        return folded / clock.Elapsed.TotalSeconds;
    });

    private static RecordedEvent Record(FeedEvent each) => new()
    {
        Position = each.Position,
        Stream = StreamId.Parse(each.Stream),
        Version = each.Version,
        EventId = Guid.ParseExact(each.EventId, "D"),
        Type = each.Type,
        SchemaVersion = each.SchemaVersion,
        Payload = System.Text.Encoding.UTF8.GetBytes(each.DataJson),
        Metadata = new EventMetadata(
            Guid.ParseExact(each.Metadata.CommandId, "D"), each.Metadata.CorrelationId, each.Metadata.CausationId, each.Metadata.User),
        Time = each.Time.ToDateTimeOffset(),
    };
}
