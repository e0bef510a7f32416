using Blog.V1;

namespace Blog.Tests.Service;

/// <summary>The calls that most tests begin with.</summary>
internal static class PostCalls
{
    public const string UnknownId = "0199b6f0-0000-7000-8000-000000000000";

    public static string NewId() => Guid.CreateVersion7().ToString("D");

    public static CreatePostRequest NewPost(string title = "A title", string content = "A content", string author = "Ada", params string[] tags) =>
        new() { Title = title, Content = content, Author = author, Tags = { tags } };

    public static async Task<CreatePostResponse> CreateAsync(
        this BlogService blog, string title = "A title", string content = "A content", string author = "Ada", params string[] tags) =>
        await blog.Commands.CreatePostAsync(NewPost(title, content, author, tags));

    /// <summary>A post at version 2, deleted.</summary>
    public static async Task<string> CreateDeletedAsync(this BlogService blog)
    {
        var created = await blog.CreateAsync();
        await blog.Commands.DeletePostAsync(new DeletePostRequest { PostId = created.PostId });
        return created.PostId;
    }

    public static async Task<string> PublishAsync(this BlogService blog, string postId) =>
        (await blog.Commands.PublishPostAsync(new PublishPostRequest { PostId = postId })).ConsistencyToken;

    public static async Task<Post> GetAsync(this BlogService blog, string postId, string token) =>
        (await blog.Queries.GetPostAsync(new GetPostRequest { PostId = postId, ConsistencyToken = token })).Post;

    /// <summary>The whole history of a post, with payloads.</summary>
    public static async Task<IReadOnlyList<PostHistoryEntry>> HistoryAsync(this BlogService blog, string postId)
    {
        var entries = new List<PostHistoryEntry>();
        var pageToken = "";
        do
        {
            var page = await blog.Queries.GetPostHistoryAsync(
                new GetPostHistoryRequest { PostId = postId, PageToken = pageToken, PageSize = 500, IncludeData = true });
            entries.AddRange(page.Entries);
            pageToken = page.NextPageToken;
        }
        while (pageToken.Length > 0);
        return entries;
    }
}
