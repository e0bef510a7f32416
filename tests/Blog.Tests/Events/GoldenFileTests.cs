using System.Text;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Events;

/// <summary>
/// The event log outlives the code. Golden/NAME.VERSION.json is what was written for each schema version of each event type, and
/// Golden/approved.txt lists them; neither is ever changed or removed, only added to.
/// </summary>
public sealed class GoldenFileTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Golden");
    private static readonly EventTypeRegistry Types = EventTypeRegistry.Create(PostEventTypes.Register);

    /// <summary>What the golden files of the versions written today hold.</summary>
    private static readonly Dictionary<string, PostEvent> Samples = new(StringComparer.Ordinal)
    {
        ["blog.post-created"] = new PostCreated(
            "Übersicht: \"Что нового\" <b>&</b> 題名 🦀", "Line one\r\nLine\ttwo \\ é, e\u0301, ﬁ, 名前, 🦀", "ubersicht", "Ада Лавлейс", ["c#", "標籤"]),
        ["blog.post-title-updated"] = new PostTitleUpdated("Заголовок + 'quotes' 名"),
        ["blog.post-content-edited"] = new PostContentEdited("# Überschrift\n\n<script>alert(1)</script> 内容 🦀\n"),
        ["blog.post-published"] = new PostPublished(),
        ["blog.post-unpublished"] = new PostUnpublished(),
        ["blog.post-archived"] = new PostArchived(),
        ["blog.post-tags-added"] = new PostTagsAdded(["async-rust", "標籤"]),
        ["blog.post-tags-removed"] = new PostTagsRemoved(["c++", "ёлка"]),
        ["blog.post-deleted"] = new PostDeleted(),
    };

    public static TheoryData<string> TypeNames => [.. Types.All.Select(type => type.Name)];

    [Fact]
    public void Type_names_and_schema_versions_are_the_approved_ones()
    {
        var approved = File.ReadAllLines(Path.Combine(Folder, "approved.txt"));
        Assert.Equal(approved, Types.All.Select(type => $"{type.Name} {type.SchemaVersion}"));
    }

    [Fact]
    public void Every_event_of_the_domain_is_registered()
    {
        var events = typeof(PostEvent).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(PostEvent))).OrderBy(type => type.Name);
        Assert.Equal(events, Types.All.Select(type => type.ClrType).OrderBy(type => type.Name));
    }

    [Fact]
    public void Every_golden_file_is_of_an_approved_version()
    {
        var approved = File.ReadAllLines(Path.Combine(Folder, "approved.txt")).Select(line => line.Replace(' ', '.') + ".json");
        var files = Directory.GetFiles(Folder, "*.json").Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal);
        Assert.Equal(approved, files);
    }

    [Theory]
    [MemberData(nameof(TypeNames))]
    public void Events_are_written_as_their_golden_file_says(string name)
    {
        var written = Types.Serialize(Samples[name], TimeProvider.System.GetUtcNow());
        Assert.Equal(name, written.Type);
        Assert.Equal(File.ReadAllText(FileOf(name, written.SchemaVersion)), Encoding.UTF8.GetString(written.Payload.Span));
    }

    [Theory]
    [MemberData(nameof(TypeNames))]
    public void Golden_files_are_read_as_the_events_they_were(string name)
    {
        var version = Types.All.Single(type => type.Name == name).SchemaVersion;
        var read = (PostEvent)Assert.Single(Types.Read(Recorded(name, version, File.ReadAllBytes(FileOf(name, version))))).Event;
        GrpcCqrs.Testing.Spec.For<Post, PostEvent>("any").When(_ => [read]).Then(Samples[name]);
    }

    [Fact]
    public void Non_Latin_text_is_written_unescaped()
    {
        // Characters beyond U+FFFF, such as emoji, are the exception: the runtime's encoders always escape them.
        var written = Encoding.UTF8.GetString(Types.Serialize(new PostContentEdited("Ж 題 é <&> + '"), TimeProvider.System.GetUtcNow()).Payload.Span);
        Assert.Equal("""{"content":"Ж 題 é <&> + '"}""", written);
    }

    [Theory]
    [InlineData("blog.post-praised", 1)]
    [InlineData("blog.post-created", 2)]
    public void An_unknown_type_or_version_is_not_guessed_at(string name, int version) =>
        Assert.Throws<UnknownEventTypeException>(() => Types.Read(Recorded(name, version, "{}"u8.ToArray())));

    private static string FileOf(string name, int version) => Path.Combine(Folder, $"{name}.{version}.json");

    private static RecordedEvent Recorded(string name, int version, byte[] payload) => new()
    {
        Position = 1,
        Stream = StreamId.For<Post, PostEvent>("any"),
        Version = 1,
        EventId = Guid.CreateVersion7(),
        Type = name,
        SchemaVersion = version,
        Payload = payload,
        Metadata = new EventMetadata(Guid.CreateVersion7(), "", "", ""),
        Time = TimeProvider.System.GetUtcNow(),
    };
}
