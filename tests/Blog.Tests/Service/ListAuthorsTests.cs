using Blog.V1;
using Xunit;

namespace Blog.Tests.Service;

public sealed class ListAuthorsTests(BlogService blog) : IClassFixture<BlogService>
{
    [Fact]
    public async Task Statistics_follow_posts_through_their_lives()
    {
        var id = (await blog.CreateAsync(author: "life Ada")).PostId;
        var other = await blog.CreateAsync(author: "life Ada");
        await AssertAuthorsAsync("life", other.ConsistencyToken, ("life Ada", 2, 0, 0));
        await AssertAuthorsAsync("life", await blog.PublishAsync(id), ("life Ada", 2, 1, 0));
        await blog.Commands.EditPostContentAsync(new() { PostId = id, Content = "Other" });
        var titled = await blog.Commands.ChangePostTitleAsync(new() { PostId = other.PostId, Title = "Other" });
        await AssertAuthorsAsync("life", titled.ConsistencyToken, ("life Ada", 2, 1, 2));
        var archived = await blog.Commands.ArchivePostAsync(new() { PostId = id });
        await AssertAuthorsAsync("life", archived.ConsistencyToken, ("life Ada", 2, 0, 2));
        var deleted = await blog.Commands.DeletePostAsync(new() { PostId = id });
        await AssertAuthorsAsync("life", deleted.ConsistencyToken, ("life Ada", 1, 0, 1));
        var last = await blog.Commands.DeletePostAsync(new() { PostId = other.PostId });
        await AssertAuthorsAsync("life", last.ConsistencyToken);
    }

    [Fact]
    public async Task A_prefix_matches_beginnings_only_and_minds_letter_case()
    {
        var token = "";
        foreach (var author in (string[])["Prefix", "Prefix é", "Prefix𠀀", "prefix", "a Prefix"])
        {
            token = (await blog.CreateAsync(author: author)).ConsistencyToken;
        }

        await AssertAuthorsAsync("Prefix", token, ("Prefix", 1, 0, 0), ("Prefix é", 1, 0, 0), ("Prefix𠀀", 1, 0, 0));
        await AssertAuthorsAsync("Prefix ", token, ("Prefix é", 1, 0, 0));
    }

    [Fact]
    public async Task Pages_put_together_are_the_whole_list_in_either_order()
    {
        var token = "";
        foreach (var author in (string[])["page c", "page a", "page b", "page d", "page c", "page d", "page c"])
        {
            token = (await blog.CreateAsync(author: author)).ConsistencyToken;
        }

        foreach (var pageSize in (int[])[1, 2, 3, 4, 5])
        {
            Assert.Equal(["page a", "page b", "page c", "page d"], await NamesAsync(AuthorOrder.Unspecified, pageSize, token));
            Assert.Equal(["page c", "page d", "page a", "page b"], await NamesAsync(AuthorOrder.PostCount, pageSize, token));
        }
    }

    private async Task<IReadOnlyList<string>> NamesAsync(AuthorOrder order, int pageSize, string token)
    {
        var names = new List<string>();
        var request = new ListAuthorsRequest { Prefix = "page ", OrderBy = order, PageSize = pageSize, ConsistencyToken = token };
        do
        {
            var page = await blog.Queries.ListAuthorsAsync(request);
            Assert.True(page.Position > 0);
            Assert.NotEmpty(page.ConsistencyToken);
            names.AddRange(page.Authors.Select(author => author.Name));
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        return names;
    }

    private async Task AssertAuthorsAsync(string prefix, string token, params (string, long, long, long)[] expected)
    {
        var answer = await blog.Queries.ListAuthorsAsync(new() { Prefix = prefix, ConsistencyToken = token });
        Assert.Equal(expected, answer.Authors.Select(author => (author.Name, author.PostCount, author.PublishedCount, author.EditCount)));
    }
}
