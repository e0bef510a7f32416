using Blog.V1;
using Google.Rpc;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using Xunit;

namespace Blog.Tests.Service;

/// <summary>What refused calls say, in google.rpc.Status.</summary>
public sealed class RefusalTests(BlogService blog) : IClassFixture<BlogService>
{
    [Fact]
    public async Task Details_are_the_bytes_that_they_have_always_been()
    {
        const string since26da4c7 =
            "CAMSLnRpdGxlOiBNdXN0IGJlIDEtMjAwIGNoYXJhY3RlcnMgYW5kIG5vdCBibGFuay4aQgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkVycm9y"
            + "SW5mbxIWCg5JTlZBTElEX0ZJRUxEUxIEYmxvZxpfCil0eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMuQmFkUmVxdWVzdBIyCjAKBXRpdGxlEidNdXN0IGJlIDEtMjAwIGNoYXJhY3RlcnMgYW5kIG5vdCBibGFuay4=";
        var refused = await Assert.ThrowsAsync<RpcException>(() => blog.Commands.CreatePostAsync(new CreatePostRequest { Author = "Ada" }).ResponseAsync);
        Assert.Equal(since26da4c7, Convert.ToBase64String(refused.Trailers.GetValueBytes("grpc-status-details-bin")!));
    }

    [Theory]
    [MemberData(nameof(CommandCall.OnAPost), MemberType = typeof(CommandCall))]
    public async Task Every_command_on_an_unknown_post_is_refused(string command)
    {
        var refusal = (await CommandCall.RefuseAsync(blog, command, PostCalls.UnknownId)).Is(PostErrors.NotFound);
        var resource = refusal.Detail<ResourceInfo>()!;
        Assert.Equal(("posts", $"posts/{PostCalls.UnknownId}"), (resource.ResourceType, resource.ResourceName));
    }

    [Theory]
    [MemberData(nameof(CommandCall.All), MemberType = typeof(CommandCall))]
    public async Task Every_command_with_a_malformed_id_is_refused(string command)
    {
        foreach (var id in (string[])["42", "{0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11}", "0199b6f05f5e7cc18f6e1f0f3f0c2d11", "posts/1", " "])
        {
            (await CommandCall.RefuseAsync(blog, command, id)).Is(EngineErrors.InvalidFields, "post_id");
        }
    }

    [Theory]
    [MemberData(nameof(CommandCall.OnAPost), MemberType = typeof(CommandCall))]
    public async Task Every_command_without_an_id_is_refused(string command) =>
        (await CommandCall.RefuseAsync(blog, command, "")).Is(EngineErrors.InvalidFields, "post_id");

    [Theory]
    [MemberData(nameof(CommandCall.All), MemberType = typeof(CommandCall))]
    public async Task Every_command_with_a_malformed_command_id_is_refused(string command)
    {
        foreach (var commandId in (string[])["42", "00000000-0000-0000-0000-000000000000", "0199b6f05f5e7cc18f6e1f0f3f0c2d11"])
        {
            (await CommandCall.RefuseAsync(blog, command, PostCalls.NewId(), commandId)).Is(EngineErrors.InvalidFields, "command_id");
        }
    }

    [Theory]
    [MemberData(nameof(CommandCall.OnAPost), MemberType = typeof(CommandCall))]
    public async Task Every_command_but_deletion_on_a_deleted_post_is_refused(string command)
    {
        var id = await blog.CreateDeletedAsync();
        if (command == "DeletePost")
        {
            Assert.Equal(2, (await CommandCall.SendAsync(blog, command, id)).Version);
            return;
        }

        var violation = Assert.Single((await CommandCall.RefuseAsync(blog, command, id)).Is(PostErrors.Deleted).Detail<PreconditionFailure>()!.Violations);
        Assert.Equal(("POST_DELETED", $"posts/{id}"), (violation.Type, violation.Subject));
        Assert.Equal(2, (await blog.HistoryAsync(id)).Count);
    }

    [Fact]
    public async Task A_draft_can_neither_be_archived_nor_an_archived_post_unpublished()
    {
        var id = (await blog.CreateAsync()).PostId;
        (await CommandCall.RefuseAsync(blog, "ArchivePost", id)).Is(PostErrors.NotPublished);
        await blog.PublishAsync(id);
        await CommandCall.SendAsync(blog, "ArchivePost", id);
        (await CommandCall.RefuseAsync(blog, "UnpublishPost", id)).Is(PostErrors.NotPublished);
    }

    [Fact]
    public async Task All_fields_at_fault_are_named_at_once()
    {
        var request = new CreatePostRequest
        {
            PostId = "x", Title = " ", Content = "a\0b", Slug = "Not a slug", Author = "", Tags = { "fine", "-", "also fine", "a,b" },
        };
        var refusal = (await Refusal.OfAsync(blog.Commands.CreatePostAsync(request)))
            .Is(EngineErrors.InvalidFields, "post_id", "title", "content", "slug", "author", "tags[1]", "tags[3]");
        Assert.All(refusal.Detail<BadRequest>()!.FieldViolations, violation => Assert.NotEmpty(violation.Description));
    }

    [Fact]
    public async Task Too_few_or_too_many_tags_are_refused()
    {
        var id = (await blog.CreateAsync()).PostId;
        (await Refusal.OfAsync(blog.Commands.AddPostTagsAsync(new() { PostId = id }))).Is(EngineErrors.InvalidFields, "tags");
        (await Refusal.OfAsync(blog.Commands.RemovePostTagsAsync(new() { PostId = id }))).Is(EngineErrors.InvalidFields, "tags");
        string[] tags = [.. Enumerable.Range(0, 21).Select(number => $"tag-{number}")];
        (await Refusal.OfAsync(blog.Commands.AddPostTagsAsync(new() { PostId = id, Tags = { tags } }))).Is(EngineErrors.InvalidFields, "tags");
        (await Refusal.OfAsync(blog.Commands.CreatePostAsync(PostCalls.NewPost(tags: tags)))).Is(EngineErrors.InvalidFields, "tags");

        await blog.Commands.AddPostTagsAsync(new() { PostId = id, Tags = { tags[..20] } });
        (await Refusal.OfAsync(blog.Commands.AddPostTagsAsync(new() { PostId = id, Tags = { tags[20] } }))).Is(PostErrors.TooManyTags);
    }

    [Fact]
    public async Task RestorePost_wants_a_version_of_1_or_more()
    {
        var id = (await blog.CreateAsync()).PostId;
        foreach (var version in (long[])[0, -1, long.MinValue])
        {
            (await Refusal.OfAsync(blog.Commands.RestorePostAsync(new() { PostId = id, Version = version }))).Is(EngineErrors.InvalidFields, "version");
        }
    }

    [Fact]
    public async Task A_text_says_the_same_as_its_code_and_shows_no_internals()
    {
        var refusal = await CommandCall.RefuseAsync(blog, "ChangePostTitle", PostCalls.UnknownId);
        Assert.Equal(StatusCode.NotFound, refusal.Status);
        Assert.Equal($"There is no post {PostCalls.UnknownId}.", refusal.Message);
    }
}
