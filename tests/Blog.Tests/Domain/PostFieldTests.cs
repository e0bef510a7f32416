using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Domain;

public sealed class PostFieldTests
{
    /// <summary>One code point, two UTF-16 units, four bytes of UTF-8.</summary>
    private const string Crab = "🦀";

    private static string Crabs(int count) => string.Concat(Enumerable.Repeat(Crab, count));

    [Theory]
    [InlineData("x")]
    [InlineData("  spaces around are kept  ")]
    [InlineData("Заголовок")]
    [InlineData("題名")]
    [InlineData("line\nbreak")]
    public void A_title_of_1_to_200_characters_is_accepted(string title) =>
        PostSpec.Draft.When(post => post.ChangeTitle(title)).Then(new PostTitleUpdated(title));

    [Fact]
    public void The_length_of_a_title_is_counted_in_code_points()
    {
        PostSpec.Draft.When(post => post.ChangeTitle(new string('x', 200))).Then(new PostTitleUpdated(new string('x', 200)));
        PostSpec.Draft.When(post => post.ChangeTitle(Crabs(200))).Then(new PostTitleUpdated(Crabs(200)));
        PostSpec.Draft.When(post => post.ChangeTitle(Crabs(199) + "x")).Then(new PostTitleUpdated(Crabs(199) + "x"));
        PostSpec.Draft.When(post => post.ChangeTitle(new string('x', 201))).ThenRejected(EngineErrors.InvalidFields, "title");
        PostSpec.Draft.When(post => post.ChangeTitle(Crabs(201))).ThenRejected(EngineErrors.InvalidFields, "title");
        PostSpec.Draft.When(post => post.ChangeTitle(Crabs(200) + "x")).ThenRejected(EngineErrors.InvalidFields, "title");
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \t\r\n")]
    [InlineData("\u3000\u00A0")]
    [InlineData("a\0b")]
    public void A_blank_title_or_one_with_U0000_is_refused(string title)
    {
        PostSpec.Draft.When(post => post.ChangeTitle(title)).ThenRejected(EngineErrors.InvalidFields, "title");
        PostSpec.NoPost.When(post => post.Create(title, "", "slug", "Ada", [])).ThenRejected(EngineErrors.InvalidFields, "title");
        PostSpec.NoPost.When(post => post.Create("Title", "", "slug", title, [])).ThenRejected(EngineErrors.InvalidFields, "author");
    }

    [Fact]
    public void An_author_has_1_to_200_characters()
    {
        PostSpec.NoPost.When(post => post.Create("T", "", "t", Crabs(200), [])).Then(new PostCreated("T", "", "t", Crabs(200), []));
        PostSpec.NoPost.When(post => post.Create("T", "", "t", Crabs(201), [])).ThenRejected(EngineErrors.InvalidFields, "author");
    }

    [Fact]
    public void A_content_may_be_empty_and_up_to_1_MiB_of_UTF8()
    {
        const int mebibyte = 1024 * 1024;
        foreach (var content in (string[])["", new string('x', mebibyte), Crabs(mebibyte / 4), Crabs((mebibyte / 4) - 1) + "é" + "xx"])
        {
            PostSpec.Draft.When(post => post.EditContent(content)).Then(new PostContentEdited(content));
        }

        foreach (var content in (string[])[new string('x', mebibyte + 1), Crabs(mebibyte / 4) + "x", Crabs((mebibyte / 4) - 1) + "é" + "xxx"])
        {
            PostSpec.Draft.When(post => post.EditContent(content)).ThenRejected(EngineErrors.InvalidFields, "content");
        }
    }

    [Fact]
    public void A_content_with_U0000_is_refused() =>
        PostSpec.Draft.When(post => post.EditContent("before\0after")).ThenRejected(EngineErrors.InvalidFields, "content");

    [Theory]
    [InlineData("a")]
    [InlineData("7")]
    [InlineData("rust-1-0")]
    public void A_slug_is_made_of_small_letters_digits_and_single_hyphens(string slug)
    {
        Assert.Null(PostRules.CheckSlug(slug));
        Assert.Null(PostRules.CheckSlug(new string('a', 100)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData("a-")]
    [InlineData("a--b")]
    [InlineData("Rust")]
    [InlineData("a b")]
    [InlineData("a_b")]
    [InlineData("é")]
    [InlineData("a\n")]
    public void Any_other_slug_is_refused(string slug)
    {
        PostSpec.NoPost.When(post => post.Create("Title", "", slug, "Ada", [])).ThenRejected(EngineErrors.InvalidFields, "slug");
        Assert.NotNull(PostRules.CheckSlug(new string('a', 101)));
    }

    [Theory]
    [InlineData("Announcing Rust 1.0", "announcing-rust-1-0")]
    [InlineData("  --Hello,   World!--  ", "hello-world")]
    [InlineData("Ça, c'est l’été à Zürich: Øresund & Łódź", "ca-cest-lete-a-zurich-oresund-lodz")]
    [InlineData("cafe\u0301 noir", "cafe-noir")]
    [InlineData("C# 🦀 .NET", "c-net")]
    [InlineData("題名", "post")]
    [InlineData("!!!", "post")]
    public void A_slug_is_made_from_a_title(string title, string slug)
    {
        Assert.Equal(slug, PostRules.SlugFrom(title));
        Assert.Null(PostRules.CheckSlug(slug));
    }

    [Fact]
    public void A_slug_made_from_a_title_is_cut_at_80_characters()
    {
        Assert.Equal(new string('x', 80), PostRules.SlugFrom(new string('x', 200)));
        Assert.Equal(new string('x', 79), PostRules.SlugFrom(new string('x', 79) + " y"));
    }

    [Theory]
    [InlineData("0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11", true)]
    [InlineData("0199B6F0-5F5E-7CC1-8F6E-1F0F3F0C2D11", true)]
    [InlineData("0199b6f05f5e7cc18f6e1f0f3f0c2d11", false)]
    [InlineData("{0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11}", false)]
    [InlineData("", false)]
    [InlineData("42", false)]
    public void A_post_id_is_a_UUID_with_hyphens(string id, bool isAccepted) => Assert.Equal(isAccepted, PostRules.CheckId(id) is null);
}
