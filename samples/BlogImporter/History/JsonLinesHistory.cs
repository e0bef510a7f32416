using System.Buffers;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace BlogImporter;

/// <summary>
/// A history as JSON lines, plain or compressed by gzip, which is told by its first bytes and not by the file's name. Each line
/// that is not blank is an object with <c>post</c>, <c>op</c> (<c>create</c>, <c>title</c>, <c>content</c>, <c>delete</c>), and what the
/// operation has: <c>title</c>, <c>authors</c>, <c>content</c>, <c>by</c>. Other fields are passed over.
/// </summary>
internal sealed class JsonLinesHistory(string path) : IHistory
{
    /// <summary>
    /// The longest line, in bytes: 16 MiB, which holds the largest content that the service takes (1 MiB) with every character
    /// escaped, and keeps a file without line ends from filling the memory.
    /// </summary>
    public const int MaxLineBytes = 16 * 1024 * 1024;

    // Without it, GZipStream takes a file that was cut off for one that ends there.
    static JsonLinesHistory() => AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", isEnabled: true);

    private long bytesRead;
    private long bytesInAll = 1;

    public double Progress => Math.Min(1, (double)Interlocked.Read(ref bytesRead) / Interlocked.Read(ref bytesInAll));

    public async IAsyncEnumerable<HistoryItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var file = Open();
        await using var text = IsGzip(file) ? new GZipStream(file, CompressionMode.Decompress) : (Stream)file;
        Interlocked.Exchange(ref bytesInAll, Math.Max(1, file.Length));
        await using var lines = DelimitedReader.ReadAsync(text, (byte)'\n', MaxLineBytes, cancellationToken).GetAsyncEnumerator(cancellationToken);
        for (var number = 1L; await NextAsync(lines); number++)
        {
            Interlocked.Exchange(ref bytesRead, file.Position);
            if (ParseLine(number, lines.Current) is { } item)
            {
                yield return item;
            }
        }

        Interlocked.Exchange(ref bytesRead, file.Length);
    }

    /// <summary>What a line holds; null for a blank one.</summary>
    internal static HistoryItem? ParseLine(long number, Piece line)
    {
        var place = string.Create(CultureInfo.InvariantCulture, $"line {number}");
        if (line.IsTooLong)
        {
            return new MalformedItem(place, "LINE_TOO_LONG", $"The line is longer than {MaxLineBytes / 1024 / 1024} MiB.");
        }

        var bytes = line.Bytes.IsSingleSegment ? line.Bytes.FirstSpan : line.Bytes.ToArray();
        if (number == 1 && bytes.StartsWith("\uFEFF"u8))
        {
            bytes = bytes[3..];
        }

        if (bytes.Trim(" \t\r"u8).IsEmpty)
        {
            return null;
        }

        try
        {
            return ToItem(place, JsonSerializer.Deserialize(bytes, JsonLineContext.Default.JsonLine));
        }
        catch (JsonException exception)
        {
            return Malformed(place, string.Create(
                CultureInfo.InvariantCulture,
                $"The line is no JSON object of the expected form, or no valid UTF-8, at byte {exception.BytePositionInLine ?? 0} ({exception.Path ?? "$"})."));
        }
    }

    private static HistoryItem ToItem(string place, JsonLine? line) => line switch
    {
        null => Malformed(place, "The line is null."),
        { Post: null or "" } => Malformed(place, "The field post is missing or empty."),
        { Op: "create", Title: { } title, Content: { } content } =>
            new PostEdit(place, line.Post, EditKind.Create, title, content, AuthorLine.From(line.Authors ?? [], line.By)),
        { Op: "create" } => Malformed(place, "The operation create needs the fields title and content."),
        { Op: "title", Title: { } title } => new PostEdit(place, line.Post, EditKind.Title, Title: title),
        { Op: "title" } => Malformed(place, "The operation title needs the field title."),
        { Op: "content", Content: { } content } => new PostEdit(place, line.Post, EditKind.Content, Content: content),
        { Op: "content" } => Malformed(place, "The operation content needs the field content."),
        { Op: "delete" } => new PostEdit(place, line.Post, EditKind.Delete),
        _ => Malformed(place, "The field op must be create, title, content or delete."),
    };

    private static MalformedItem Malformed(string place, string message) => new(place, "MALFORMED_LINE", message);

    private FileStream Open()
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 64 * 1024, useAsync: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            var why = exception is FileNotFoundException or DirectoryNotFoundException ? "it does not exist" : "it is no file that may be read";
            throw new HistoryUnreadableException($"The file {path} cannot be read: {why}.", exception);
        }
    }

    private static bool IsGzip(FileStream file)
    {
        Span<byte> magic = stackalloc byte[2];
        var isGzip = file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == 2 && magic is [0x1F, 0x8B];
        file.Position = 0;
        return isGzip;
    }

    private async ValueTask<bool> NextAsync(IAsyncEnumerator<Piece> lines)
    {
        try
        {
            return await lines.MoveNextAsync();
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            throw new HistoryUnreadableException($"The file {path} cannot be read to its end; it is damaged or cut off.", exception);
        }
    }
}

/// <summary>A line as it is written.</summary>
internal sealed class JsonLine
{
    public string? Post { get; init; }

    public string? Op { get; init; }

    public string? By { get; init; }

    public string? Title { get; init; }

    public IReadOnlyList<string?>? Authors { get; init; }

    public string? Content { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(JsonLine))]
internal sealed partial class JsonLineContext : JsonSerializerContext;
