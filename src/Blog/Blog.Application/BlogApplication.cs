using Blog.Application.Posts;
using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.DependencyInjection;

namespace Blog.Application;

/// <summary>The blog's use cases.</summary>
public static class BlogApplication
{
    /// <summary>Adds the event types, the commands (those that are a decision of a post by convention, the others one by one), and the queries that are
    /// answered from the event log.</summary>
    public static IServiceCollection AddBlogApplication(this IServiceCollection services) => services
        .AddEventSourcing()
        .AddEvents<PostEvent>(PostEventsJson.Default)
        .AddAggregate<Post, PostEvent>(PostSnapshots.Create())
        .AddDecisions<Post, PostEvent>(typeof(BlogApplication).Assembly)
        .AddCommand<CreatePost, CreatePostHandler>()
        .AddCommand<RestorePost, RestorePostHandler>()
        .AddEventLogQuery<GetPostHistory, Page<PostHistoryEntryView>, GetPostHistoryHandler>()
        .AddEventLogQuery<GetPostAsOf, PostView, GetPostAsOfHandler>();
}
