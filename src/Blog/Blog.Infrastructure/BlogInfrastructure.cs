using Blog.Application.Posts;
using Blog.Infrastructure.Posts;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;
using GrpcCqrs.Storage.PostgreSql;
using GrpcCqrs.Storage.Sqlite;
using GrpcCqrs.Storage.SqlServer;
using Microsoft.Extensions.DependencyInjection;

namespace Blog.Infrastructure;

/// <summary>The blog's databases, projections and read-model queries, registered one by one.</summary>
public static class BlogInfrastructure
{
    /// <summary>Adds them.</summary>
    public static IServiceCollection AddBlogInfrastructure(this IServiceCollection services) => services
        .AddEventStorage()
        .AddDatabases(options => new BlogWriteDbContext(options), options => new BlogReadDbContext(options))
        .AddDatabaseProvider(new SqliteProvider())
        .AddDatabaseProvider(new PostgreSqlProvider())
        .AddDatabaseProvider(new SqlServerProvider())
        .AddProjection<PostDetailsProjection>()
        .AddProjection<PostListProjection>()
        .AddProjection<TagCountsProjection>()
        .AddProjection<PostSearchProjection>()
        .AddProjection<AuthorStatisticsProjection>()
        .AddProjection<DailyActivityProjection>()
        .AddReadModelQuery<GetPost, PostView, GetPostHandler>(PostDetailsProjection.ProjectionName)
        .AddReadModelQuery<ListPosts, Page<PostView>, ListPostsHandler>(PostListProjection.ProjectionName)
        .AddReadModelQuery<SearchPosts, Page<SearchHitView>, SearchPostsHandler>(
            PostSearchProjection.ProjectionName, PostListProjection.ProjectionName)
        .AddReadModelQuery<ListTags, Page<TagView>, ListTagsHandler>(TagCountsProjection.ProjectionName)
        .AddReadModelQuery<ListAuthors, Page<AuthorView>, ListAuthorsHandler>(AuthorStatisticsProjection.ProjectionName)
        .AddReadModelQuery<ListDailyActivity, Page<DailyActivityView>, ListDailyActivityHandler>(DailyActivityProjection.ProjectionName)
        .AddReadModelWatch<WatchPosts, PostChangeView, WatchPostsHandler>(PostListProjection.ProjectionName);
}
