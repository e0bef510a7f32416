using AutoMapper;
using Blog.V1;
using Google.Protobuf;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Hosting;
using Commands = Blog.Application.Posts;

namespace Blog.Server;

/// <summary>blog.v1.PostCommandService: from proto to command and back, nothing else.</summary>
internal sealed class PostCommandGrpcService(ICommandBus bus, IMapper mapper, CallContexts contexts)
    : PostCommandService.PostCommandServiceBase
{
    public override Task<CreatePostResponse> CreatePost(CreatePostRequest request, ServerCallContext context) =>
        SendAsync<Commands.CreatePost, CreatePostResponse>(request, request.CommandId, request.HasExpectedVersion ? request.ExpectedVersion : null, context);

    public override Task<ChangePostTitleResponse> ChangePostTitle(ChangePostTitleRequest request, ServerCallContext context) =>
        SendAsync<Commands.ChangePostTitle, ChangePostTitleResponse>(request, request.CommandId, request.HasExpectedVersion ? request.ExpectedVersion : null, context);

    public override Task<EditPostContentResponse> EditPostContent(EditPostContentRequest request, ServerCallContext context) =>
        SendAsync<Commands.EditPostContent, EditPostContentResponse>(request, request.CommandId, request.HasExpectedVersion ? request.ExpectedVersion : null, context);

    public override Task<PublishPostResponse> PublishPost(PublishPostRequest request, ServerCallContext context) =>
        SendAsync<Commands.PublishPost, PublishPostResponse>(request, request.CommandId, request.HasExpectedVersion ? request.ExpectedVersion : null, context);

    public override Task<UnpublishPostResponse> UnpublishPost(UnpublishPostRequest request, ServerCallContext context) =>
        SendAsync<Commands.UnpublishPost, UnpublishPostResponse>(request, request.CommandId, request.HasExpectedVersion ? request.ExpectedVersion : null, context);

    public override Task<ArchivePostResponse> ArchivePost(ArchivePostRequest request, ServerCallContext context) =>
        SendAsync<Commands.ArchivePost, ArchivePostResponse>(request, request.CommandId, request.HasExpectedVersion ? request.ExpectedVersion : null, context);

    public override Task<AddPostTagsResponse> AddPostTags(AddPostTagsRequest request, ServerCallContext context) =>
        SendAsync<Commands.AddPostTags, AddPostTagsResponse>(request, request.CommandId, request.HasExpectedVersion ? request.ExpectedVersion : null, context);

    public override Task<RemovePostTagsResponse> RemovePostTags(RemovePostTagsRequest request, ServerCallContext context) =>
        SendAsync<Commands.RemovePostTags, RemovePostTagsResponse>(request, request.CommandId, request.HasExpectedVersion ? request.ExpectedVersion : null, context);

    public override Task<DeletePostResponse> DeletePost(DeletePostRequest request, ServerCallContext context) =>
        SendAsync<Commands.DeletePost, DeletePostResponse>(request, request.CommandId, request.HasExpectedVersion ? request.ExpectedVersion : null, context);

    public override Task<RestorePostResponse> RestorePost(RestorePostRequest request, ServerCallContext context) =>
        SendAsync<Commands.RestorePost, RestorePostResponse>(request, request.CommandId, request.HasExpectedVersion ? request.ExpectedVersion : null, context);

    private async Task<TResponse> SendAsync<TCommand, TResponse>(IMessage request, string commandId, long? expectedVersion, ServerCallContext call)
        where TCommand : class
    {
        var command = mapper.Map<TCommand>(request);
        var result = await bus.SendAsync(command, contexts.ForCommand(request, commandId, expectedVersion, call), call.CancellationToken);
        return mapper.Map<TResponse>(new CommandReply(result.Stream.Id, result.Version, contexts.Answered(result.Position, call), result.Reply ?? ""));
    }
}

/// <summary>What the responses of all commands are made from.</summary>
internal sealed record CommandReply(string PostId, long Version, string ConsistencyToken, string Slug);
