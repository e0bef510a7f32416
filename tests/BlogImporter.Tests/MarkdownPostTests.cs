using Xunit;

namespace BlogImporter.Tests;

public sealed class MarkdownPostTests
{
    [Theory]
    [InlineData("---\ntitle: Plain title # comment\nauthor: Ann\n---\nBody", "Plain title", "Ann")]
    [InlineData("---\ntitle: \"Quoted: \\\"x\\\" \\u00e9\"\nauthor: 'It''s'\n---\nBody", "Quoted: \"x\" é", "It's")]
    [InlineData("---\nlayout: post\ntitle: C# and F#\nauthors: [Ann, \"Bob, B.\"]\n---\nBody", "C# and F#", "Ann|Bob, B.")]
    [InlineData("---\ntitle: T\nauthors:\n  - Ann\n  - \"Bob\"\nnested:\n  title: no\n---\nBody", "T", "Ann|Bob")]
    [InlineData("+++\ntitle = \"T\"\nauthors = [\"Ann\", \"Bob\"]\n[extra]\ntitle = \"no\"\n+++\nBody", "T", "Ann|Bob")]
    [InlineData("+++\npath = \"x\"\ntitle = 'T'\nauthors = [\n    \"Ann\",\n    \"Bob\",\n]\n+++\nBody", "T", "Ann|Bob")]
    [InlineData("\uFEFF---\r\ntitle: T\r\n---\r\nBody", "T", "")]
    [InlineData("---\ntitle: >\n  folded\n---\nBody", "file", "")]
    public void Front_matter_gives_title_and_authors(string text, string title, string authors)
    {
        var post = MarkdownPost.Parse(text, "file");
        Assert.Equal((title, authors, "Body"), (post.Title, string.Join('|', post.Authors), post.Content));
    }

    [Theory]
    [InlineData("No heading", "file")]
    [InlineData("# The title #\ntext", "The title")]
    [InlineData("## Second\n```\n# code\n```\n# First\n", "First")]
    [InlineData("---\ntitle: never ends\n# Heading", "Heading")]
    [InlineData("\uFEFFmark", "file")]
    [InlineData("", "file")]
    public void Without_front_matter_the_whole_file_is_the_content(string text, string title)
    {
        var post = MarkdownPost.Parse(text, "file");
        Assert.Equal((title, text), (post.Title, post.Content));
    }

    [Fact]
    public void The_body_stays_as_it_is() =>
        Assert.Equal("\r\n  a\t\n\n---\nb \n\n", MarkdownPost.Parse("---\ntitle: T\n--- \n\r\n  a\t\n\n---\nb \n\n", "file").Content);
}
