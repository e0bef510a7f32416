using System.IO.Compression;
using System.Text;
using Xunit;

namespace BlogImporter.Tests;

public sealed class JsonLinesHistoryTests : IDisposable
{
    private const string Create = """{"post":"a","at":"2015-01-09T12:00:00-08:00","by":"Zoe","op":"create","title":"T","authors":["X","Y"],"content":"C\r\n"}""";

    private readonly ScratchDirectory scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task Each_operation_is_read()
    {
        var items = await ReadAsync($$"""
            {{Create}}
            {"post":"a","by":"Zoe","op":"title","title":"U"}
            {"post":"a","by":"Zoe","op":"content","content":""}
            {"post":"a","by":"Zoe","op":"delete"}
            """);

        Assert.Equal(
            [
                new PostEdit("line 1", "a", EditKind.Create, "T", "C\r\n", "X, Y"),
                new PostEdit("line 2", "a", EditKind.Title, Title: "U"),
                new PostEdit("line 3", "a", EditKind.Content, Content: ""),
                new PostEdit("line 4", "a", EditKind.Delete),
            ],
            items);
    }

    [Fact]
    public async Task Compressed_lines_are_told_by_their_first_bytes()
    {
        await using (var file = File.Create(scratch.File("history")))
        await using (var gzip = new GZipStream(file, CompressionLevel.Fastest))
        {
            await gzip.WriteAsync(Encoding.UTF8.GetBytes(Create + "\n" + Create));
        }

        var history = new JsonLinesHistory(scratch.File("history"));
        Assert.Equal(2, (await history.ReadAsync(default).ToListAsync()).Count);
        Assert.Equal(1, history.Progress);
    }

    [Fact]
    public async Task A_byte_order_mark_blank_lines_and_Windows_line_ends_are_passed_over()
    {
        var items = await ReadAsync("\uFEFF" + Create + "\r\n\r\n  \n" + Create + "\r\n");
        Assert.Equal(["line 1", "line 4"], items.OfType<PostEdit>().Select(item => item.Place));
        Assert.Equal(2, items.Count);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"post":"a"}""")]
    [InlineData("""{"post":"","op":"delete"}""")]
    [InlineData("""{"post":"a","op":"burn"}""")]
    [InlineData("""{"post":"a","op":"create","title":"T"}""")]
    [InlineData("""{"post":"a","op":"title"}""")]
    [InlineData("""{"post":"a","op":"content","content":null}""")]
    [InlineData("""{"post":"a","op":"content","content":7}""")]
    [InlineData("""{"post":"a","op":"content","content":"\ud800"}""")]
    [InlineData("""{"post":"a","op":"delete"} trailing""")]
    [InlineData("""{"post":"a","op":"content","content":"cut o""")]
    public async Task A_malformed_line_is_told_with_its_number_and_the_next_one_is_read(string line)
    {
        var items = await ReadAsync(Create + "\n" + line + "\n" + Create);

        Assert.Equal(3, items.Count);
        var malformed = Assert.IsType<MalformedItem>(items[1]);
        Assert.Equal(("line 2", "MALFORMED_LINE"), (malformed.Place, malformed.Reason));
        Assert.IsType<PostEdit>(items[2]);
    }

    [Fact]
    public async Task Invalid_UTF8_is_malformed_and_not_repaired()
    {
        byte[] line = [.. "{\"post\":\"a\",\"op\":\"content\",\"content\":\""u8, 0xC3, 0x28, .. "\"}\n"u8];
        await File.WriteAllBytesAsync(scratch.File("history"), line);
        Assert.IsType<MalformedItem>(Assert.Single(await new JsonLinesHistory(scratch.File("history")).ReadAsync(default).ToListAsync()));
    }

    [Fact]
    public async Task A_line_over_the_limit_is_passed_over_and_the_next_one_is_read()
    {
        await using (var file = new StreamWriter(scratch.File("history")))
        {
            await file.WriteAsync($$"""{"post":"a","op":"content","content":"{{new string('x', JsonLinesHistory.MaxLineBytes)}}"}""");
            await file.WriteAsync("\n" + Create);
        }

        var items = await new JsonLinesHistory(scratch.File("history")).ReadAsync(default).ToListAsync();
        Assert.Equal("LINE_TOO_LONG", Assert.IsType<MalformedItem>(items[0]).Reason);
        Assert.Equal("line 2", Assert.IsType<PostEdit>(items[1]).Place);
    }

    [Fact]
    public async Task A_missing_a_damaged_and_a_cut_off_file_are_unreadable()
    {
        await ThrowsUnreadableAsync(scratch.File("missing"));
        await ThrowsUnreadableAsync(scratch.Path);

        await File.WriteAllBytesAsync(scratch.File("damaged"), [0x1F, 0x8B, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        await ThrowsUnreadableAsync(scratch.File("damaged"));

        using var whole = new MemoryStream();
        await using (var gzip = new GZipStream(whole, CompressionLevel.Fastest, leaveOpen: true))
        {
            await gzip.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 10_000).Select(i => $"{i * 7919} {Create}\n"))));
        }

        await File.WriteAllBytesAsync(scratch.File("cut"), whole.ToArray()[..(int)(whole.Length / 2)]);
        await ThrowsUnreadableAsync(scratch.File("cut"));
    }

    private static async Task ThrowsUnreadableAsync(string path)
    {
        var exception = await Assert.ThrowsAsync<HistoryUnreadableException>(async () => await new JsonLinesHistory(path).ReadAsync(default).ToListAsync());
        Assert.Contains(path, exception.Message, StringComparison.Ordinal);
    }

    private async Task<List<HistoryItem>> ReadAsync(string text)
    {
        await File.WriteAllTextAsync(scratch.File("history"), text);
        return await new JsonLinesHistory(scratch.File("history")).ReadAsync(default).ToListAsync();
    }
}
