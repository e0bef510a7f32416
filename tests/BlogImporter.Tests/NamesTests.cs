using Blog.Domain.Posts;
using Xunit;

namespace BlogImporter.Tests;

public sealed class NamesTests
{
    [Fact]
    public void Ids_are_the_same_in_every_run()
    {
        // Literal ids: a rule that changes would make a second run of an old history do everything again.
        Assert.Equal("b96b01ca-0acc-8c0c-a87d-cac973342183", Names.PostId("2015-01-09-Rust-1.0-alpha", 0).ToString("D"));
        Assert.Equal("6f2822b4-fa33-82a0-ad0d-44a572b0b05b", Names.PostId("2015-01-09-Rust-1.0-alpha", 1).ToString("D"));
        Assert.Equal("b8498f96-16df-8c9c-8932-2496263b67f6", Names.CommandId("2015-01-09-Rust-1.0-alpha", 3, "content").ToString("D"));
    }

    [Fact]
    public void Ids_are_of_version_8_and_differ_in_each_part()
    {
        Guid[] ids =
        [
            Names.PostId("a", 0), Names.PostId("a", 1), Names.PostId("b", 0), Names.PostId("a0", 0),
            Names.CommandId("a", 0, "create"), Names.CommandId("a", 0, "publish"), Names.CommandId("a", 1, "create"), Names.CommandId("b", 0, "create"),
            Names.CommandId("a1", 0, "create"), Names.CommandId("a", 10, "create"),
        ];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Equal((8, 2), (id.Version, id.Variant >> 2)));
    }

    [Theory]
    [InlineData("1.94.1-release", "1-94-1-release")]
    [InlineData("2015-01-09-Rust-1.0-alpha", "2015-01-09-rust-1-0-alpha")]
    [InlineData("posts/2024/A & B!", "posts-2024-a-b")]
    [InlineData("--a__b--", "a-b")]
    [InlineData("about (2)", "about-2")]
    public void A_slug_is_the_key_in_lower_case_with_hyphens(string key, string slug) => Assert.Equal(slug, Names.Slug(key));

    [Theory]
    [InlineData("日本語")]
    [InlineData("новости")]
    [InlineData("...")]
    [InlineData("café")]
    [InlineData("post-🦀")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void Every_key_gets_a_slug_that_the_service_takes(string key)
    {
        Assert.Null(PostRules.CheckSlug(Names.Slug(key)));
        Assert.NotEqual(Names.Slug(key), Names.Slug(key + "x"));
        Assert.NotEqual(Names.Slug(key), Names.Slug(key + "ж"));
    }

    [Fact]
    public void Authors_are_joined_and_fall_back_to_who_made_the_change()
    {
        Assert.Equal("Ann, Bob", AuthorLine.From(["Ann", " Bob "], "Carl"));
        Assert.Equal("Carl", AuthorLine.From([], "Carl"));
        Assert.Equal("Carl", AuthorLine.From(["", null], "Carl"));
        Assert.Equal("unknown", AuthorLine.From([], " "));
    }

    [Fact]
    public void Authors_that_do_not_fit_are_left_out_whole()
    {
        var many = AuthorLine.From(Enumerable.Range(0, 60).Select(i => $"Author {i:00}"), null);
        Assert.EndsWith("Author 16 et al.", many, StringComparison.Ordinal);
        Assert.Null(PostRules.CheckAuthor(many));
        Assert.Equal(200, AuthorLine.From([string.Concat(Enumerable.Repeat("🦀", 300))], null).EnumerateRunes().Count());
    }
}
