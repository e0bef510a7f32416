using BenchmarkDotNet.Attributes;
using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.EventStore;

namespace MicroBenchmarks;

/// <summary>What is done once or more for each event: an edit of 300 bytes.</summary>
[MemoryDiagnoser]
public class EventBenchmarks
{
    private static readonly EventTypeRegistry Types = EventTypeRegistry.Of<PostEvent>(PostEventsJson.Default);
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 0, 0, 0, TimeSpan.Zero);
    private static readonly Guid Id = Guid.Parse("019a0000-0000-7000-8000-000000000001");

    private readonly PostContentEdited edit = new(new string('x', 300));
    private readonly Post post = Post.Initial($"{Id:D}").Apply(new PostCreated("A title", "Content", "a-title", "Ada", ["one", "two"]));
    private readonly RecordedEvent record;
    private readonly EventRow row;

    public EventBenchmarks()
    {
        var data = Types.Serialize(edit, Now);
        record = new RecordedEvent
        {
            Position = 1_000,
            Stream = StreamId.For<Post, PostEvent>(post.Id),
            Version = 2,
            EventId = data.EventId,
            Type = data.Type,
            SchemaVersion = data.SchemaVersion,
            Payload = data.Payload,
            Metadata = new EventMetadata(Id, $"{Id:N}", $"{Id:D}", "anonymous"),
            Time = Now,
        };
        row = new EventRow
        {
            Position = record.Position,
            Stream = record.Stream.ToString(),
            Version = record.Version,
            EventId = record.EventId,
            Type = record.Type,
            SchemaVersion = record.SchemaVersion,
            Payload = record.Payload.ToArray(),
            CommandId = Id,
            CorrelationId = record.Metadata.CorrelationId,
            CausationId = record.Metadata.CausationId,
            User = record.Metadata.User,
            TimeMicroseconds = 1,
        };
    }

    /// <summary>An event as JSON, with an id of its own.</summary>
    [Benchmark]
    public EventData Serialize() => Types.Serialize(edit, Now);

    /// <summary>The event of a stored payload.</summary>
    [Benchmark]
    public IReadOnlyList<EventEnvelope> Deserialize() => Types.Read(record);

    /// <summary>The state after an event.</summary>
    [Benchmark]
    public Post Fold() => post.Apply(edit);

    /// <summary>The event's link of the hash chain.</summary>
    [Benchmark]
    public byte[] Hash() => HashChain.Next(HashChain.Genesis, row);
}
