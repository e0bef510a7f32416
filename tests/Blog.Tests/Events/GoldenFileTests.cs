using System.Text;
using Blog.Application;
using Blog.Domain.Posts;
using Blog.Tests.Repository;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Blog.Tests.Events;

/// <summary>
/// The event log outlives the code. Golden/NAME.VERSION.json is what was written for each schema version of each event type; a file is
/// never changed or removed, only added to.
/// </summary>
public sealed class GoldenFileTests
{
    /// <summary>Where the golden files are; not a copy of them, in which removed ones would remain.</summary>
    private static readonly string Folder = Checkout.PathOf("tests/Blog.Tests/Golden");

    /// <summary>Every module's event types, as the service registers them; made anew, so that a fault of theirs fails a test by its own message.</summary>
    private static EventTypeRegistry Types =>
        new ServiceCollection().AddBlogApplication().BuildServiceProvider().GetRequiredService<EventTypeRegistry>();

    public static TheoryData<Type> EventTypes => [.. typeof(PostEvent).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(PostEvent)))];

    [Fact]
    public void Every_event_that_was_ever_written_is_read() => EventContract.Verify(Types, Folder);

    [Theory]
    [MemberData(nameof(EventTypes))]
    public void Every_event_type_has_a_case_in_the_fold_and_a_sentence_in_the_history(Type type)
    {
        var events = EventContract.Read(Types, Folder).OfType<PostEvent>().Where(type.IsInstanceOfType).ToArray();
        Assert.True(events.Length > 0, $"No golden file has a {type.Name}: Every_event_that_was_ever_written_is_read says which to add.");
        foreach (var @event in events)
        {
            Post.Initial("any").Apply(@event);
            Assert.NotEmpty(@event.Describe());
        }
    }

    [Fact]
    public void A_golden_file_is_read_as_the_event_that_it_was()
    {
        // The one event with several texts, which could be mistaken for each other.
        var expected = new PostCreated(
            "Übersicht: \"Что нового\" <b>&</b> 題名 🦀", "Line one\r\nLine\ttwo \\ é, e\u0301, ﬁ, 名前, 🦀", "ubersicht", "Ада Лавлейс", ["c#", "標籤"]);
        var read = EventContract.Read(Types, Folder).OfType<PostCreated>();
        Spec.For<Post, PostEvent>("any").When(_ => [read.First()]).Then(expected);
    }

    [Fact]
    public void Non_Latin_text_is_written_unescaped()
    {
        // Characters beyond U+FFFF, such as emoji, are the exception: the runtime's encoders always escape them.
        var written = Encoding.UTF8.GetString(Types.Serialize(new PostContentEdited("Ж 題 é <&> + '"), TimeProvider.System.GetUtcNow()).Payload.Span);
        Assert.Equal("""{"content":"Ж 題 é <&> + '"}""", written);
    }

    [Theory]
    [InlineData("blog.post-unheard-of", 1)]
    [InlineData("blog.post-created", 1_000)]
    public void An_unknown_type_or_version_is_not_guessed_at(string name, int version) =>
        Assert.Throws<UnknownEventTypeException>(() => Types.Read(new RecordedEvent
        {
            Position = 1,
            Stream = StreamId.For<Post, PostEvent>("any"),
            Version = 1,
            EventId = Guid.CreateVersion7(),
            Type = name,
            SchemaVersion = version,
            Payload = "{}"u8.ToArray(),
            Metadata = new EventMetadata(Guid.CreateVersion7(), "", "", ""),
            Time = TimeProvider.System.GetUtcNow(),
        }));
}
