using Blog.Application.Posts;
using Blog.V1;
using Grpc.Core;
using GrpcCqrs.Hosting;

namespace Blog.Server;

/// <summary>blog.v1.PostCommandService: from request to command, and from answer to response.</summary>
internal sealed class PostCommandGrpcService(ServiceCalls calls) : PostCommandService.PostCommandServiceBase
{
    public override async Task<CreatePostResponse> CreatePost(CreatePostRequest request, ServerCallContext context)
    {
        var (id, version, token, slug) = await calls.SendAsync(
            request,
            new CreatePost(request.PostId, request.Title, request.Content, request.Slug, request.Author, [.. request.Tags]),
            context);
        return new() { PostId = id, Version = version, ConsistencyToken = token, Slug = slug };
    }

    public override async Task<ChangePostTitleResponse> ChangePostTitle(ChangePostTitleRequest request, ServerCallContext context)
    {
        var (id, version, token, _) = await calls.SendAsync(
            request,
            new ChangePostTitle(request.PostId, request.Title),
            context);
        return new() { PostId = id, Version = version, ConsistencyToken = token };
    }

    public override async Task<EditPostContentResponse> EditPostContent(EditPostContentRequest request, ServerCallContext context)
    {
        var (id, version, token, _) = await calls.SendAsync(
            request,
            new EditPostContent(request.PostId, request.Content),
            context);
        return new() { PostId = id, Version = version, ConsistencyToken = token };
    }

    public override async Task<PublishPostResponse> PublishPost(PublishPostRequest request, ServerCallContext context)
    {
        var (id, version, token, _) = await calls.SendAsync(request, new PublishPost(request.PostId), context);
        return new() { PostId = id, Version = version, ConsistencyToken = token };
    }

    public override async Task<UnpublishPostResponse> UnpublishPost(UnpublishPostRequest request, ServerCallContext context)
    {
        var (id, version, token, _) = await calls.SendAsync(request, new UnpublishPost(request.PostId), context);
        return new() { PostId = id, Version = version, ConsistencyToken = token };
    }

    public override async Task<ArchivePostResponse> ArchivePost(ArchivePostRequest request, ServerCallContext context)
    {
        var (id, version, token, _) = await calls.SendAsync(request, new ArchivePost(request.PostId), context);
        return new() { PostId = id, Version = version, ConsistencyToken = token };
    }

    public override async Task<AddPostTagsResponse> AddPostTags(AddPostTagsRequest request, ServerCallContext context)
    {
        var (id, version, token, _) = await calls.SendAsync(
            request,
            new AddPostTags(request.PostId, [.. request.Tags]),
            context);
        return new() { PostId = id, Version = version, ConsistencyToken = token };
    }

    public override async Task<RemovePostTagsResponse> RemovePostTags(RemovePostTagsRequest request, ServerCallContext context)
    {
        var (id, version, token, _) = await calls.SendAsync(
            request,
            new RemovePostTags(request.PostId, [.. request.Tags]),
            context);
        return new() { PostId = id, Version = version, ConsistencyToken = token };
    }

    public override async Task<DeletePostResponse> DeletePost(DeletePostRequest request, ServerCallContext context)
    {
        var (id, version, token, _) = await calls.SendAsync(request, new DeletePost(request.PostId), context);
        return new() { PostId = id, Version = version, ConsistencyToken = token };
    }

    public override async Task<RestorePostResponse> RestorePost(RestorePostRequest request, ServerCallContext context)
    {
        var (id, version, token, _) = await calls.SendAsync(
            request,
            new RestorePost(request.PostId, request.Version, request.KeepStatus),
            context);
        return new() { PostId = id, Version = version, ConsistencyToken = token };
    }
}
