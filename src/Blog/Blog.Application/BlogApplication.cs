using Blog.Application.Posts;
using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.DependencyInjection;

namespace Blog.Application;

/// <summary>The blog's use cases, registered one by one.</summary>
public static class BlogApplication
{
    /// <summary>Adds the event types, the commands and the queries that are answered from the event log.</summary>
    public static IServiceCollection AddBlogApplication(this IServiceCollection services) => services
        .AddEventSourcing()
        .AddEvents<PostEvent>(PostEventsJson.Default)
        .AddAggregate<Post, PostEvent>(PostSnapshots.Create())
        .AddCommand<CreatePost, CreatePostHandler>()
        .AddCommand<ChangePostTitle, ChangePostTitleHandler>()
        .AddCommand<EditPostContent, EditPostContentHandler>()
        .AddCommand<PublishPost, PublishPostHandler>()
        .AddCommand<UnpublishPost, UnpublishPostHandler>()
        .AddCommand<ArchivePost, ArchivePostHandler>()
        .AddCommand<AddPostTags, AddPostTagsHandler>()
        .AddCommand<RemovePostTags, RemovePostTagsHandler>()
        .AddCommand<DeletePost, DeletePostHandler>()
        .AddCommand<RestorePost, RestorePostHandler>()
        .AddEventLogQuery<GetPostHistory, Page<PostHistoryEntryView>, GetPostHistoryHandler>()
        .AddEventLogQuery<GetPostAsOf, PostView, GetPostAsOfHandler>();
}
