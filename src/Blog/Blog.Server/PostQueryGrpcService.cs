using System.Diagnostics;
using AutoMapper;
using Blog.Application.Posts;
using Blog.V1;
using Grpc.Core;
using GrpcCqrs.Hosting;
using AuthorOrder = Blog.Application.Posts.AuthorOrder;
using PostOrder = Blog.Application.Posts.PostOrder;

namespace Blog.Server;

/// <summary>blog.v1.PostQueryService: from request to query, and from result to response.</summary>
internal sealed class PostQueryGrpcService(ServiceCalls calls, IMapper mapper, StreamWriters writers) : PostQueryService.PostQueryServiceBase
{
    public override async Task<GetPostResponse> GetPost(GetPostRequest request, ServerCallContext context)
    {
        var query = new GetPost(request.PostId, request.Slug);
        var (post, position, token) = await calls.AskAsync<GetPost, PostView>(request, query, context);
        return new() { Post = mapper.Map<Post>(post), Position = position, ConsistencyToken = token };
    }

    public override async Task<ListPostsResponse> ListPosts(ListPostsRequest request, ServerCallContext context)
    {
        var query = new ListPosts(
            RequestFields.Statuses(request.Statuses),
            request.Tag,
            request.Author,
            RequestFields.Range(request.Created, "created"),
            RequestFields.Range(request.Updated, "updated"),
            RequestFields.Range(request.Published, "published"),
            request.OrderBy == V1.PostOrder.Unspecified ? PostOrder.CreateTime : (PostOrder)request.OrderBy,
            RequestFields.IsDescending(request),
            request.PageSize,
            request.PageToken);
        var (page, position, token) = await calls.AskAsync<ListPosts, Page<PostView>>(request, query, context);
        return new()
        {
            Posts = { mapper.Map<Post[]>(page.Items) },
            NextPageToken = page.NextPageToken,
            Position = position,
            ConsistencyToken = token,
        };
    }

    public override async Task<SearchPostsResponse> SearchPosts(SearchPostsRequest request, ServerCallContext context)
    {
        var query = new SearchPosts(
            request.Query, RequestFields.Statuses(request.Statuses), request.Tag, request.PageSize, request.PageToken);
        var (page, position, token) = await calls.AskAsync<SearchPosts, Page<SearchHitView>>(request, query, context);
        return new()
        {
            Hits = { mapper.Map<SearchHit[]>(page.Items) },
            NextPageToken = page.NextPageToken,
            Position = position,
            ConsistencyToken = token,
        };
    }

    public override async Task<GetPostHistoryResponse> GetPostHistory(GetPostHistoryRequest request, ServerCallContext context)
    {
        var query = new GetPostHistory(request.PostId, request.PageSize, request.PageToken, request.IncludeData, request.IncludeChanges);
        var (page, position, token) = await calls.AskAsync<GetPostHistory, Page<PostHistoryEntryView>>(request, query, context);
        return new()
        {
            Entries = { mapper.Map<PostHistoryEntry[]>(page.Items) },
            NextPageToken = page.NextPageToken,
            Position = position,
            ConsistencyToken = token,
        };
    }

    public override async Task<GetPostAsOfResponse> GetPostAsOf(GetPostAsOfRequest request, ServerCallContext context)
    {
        var query = new GetPostAsOf(
            request.PostId,
            request.PointCase == GetPostAsOfRequest.PointOneofCase.Version ? request.Version : null,
            RequestFields.Time(request.Time, "time"));
        var (post, position, token) = await calls.AskAsync<GetPostAsOf, PostView>(request, query, context);
        return new() { Post = mapper.Map<Post>(post), Position = position, ConsistencyToken = token };
    }

    public override async Task<ListTagsResponse> ListTags(ListTagsRequest request, ServerCallContext context)
    {
        var query = new ListTags(request.Prefix, request.PageSize, request.PageToken);
        var (page, position, token) = await calls.AskAsync<ListTags, Page<TagView>>(request, query, context);
        return new()
        {
            Tags = { mapper.Map<Tag[]>(page.Items) },
            NextPageToken = page.NextPageToken,
            Position = position,
            ConsistencyToken = token,
        };
    }

    public override Task WatchPosts(
        WatchPostsRequest request, IServerStreamWriter<WatchPostsResponse> responseStream, ServerCallContext context)
    {
        var query = new WatchPosts(
            RequestFields.Statuses(request.Statuses), request.Tag, request.Author, request.HasAfterPosition ? request.AfterPosition : null);
        return writers.WriteAllAsync(
            cancellationToken => calls.WatchAsync<WatchPosts, PostChangeView>(request, query, context, cancellationToken),
            answer => answer.Result switch
            {
                PostChangeView.Present present => new WatchPostsResponse { Post = mapper.Map<Post>(present.Post), Position = answer.Position },
                PostChangeView.Left left => new WatchPostsResponse { LeftPostId = left.PostId, Position = answer.Position },
                PostChangeView.CaughtUp => new WatchPostsResponse { CaughtUp = new(), Position = answer.Position },
                PostChangeView.Checkpoint => new WatchPostsResponse { Checkpoint = new(), Position = answer.Position },
                _ => throw new UnreachableException($"WatchPosts has no message for {answer.Result.GetType().Name}: add one."),
            },
            answer => answer.Position,
            responseStream,
            context);
    }

    public override async Task<ListAuthorsResponse> ListAuthors(ListAuthorsRequest request, ServerCallContext context)
    {
        var query = new ListAuthors(
            request.Prefix,
            request.OrderBy == V1.AuthorOrder.Unspecified ? AuthorOrder.Name : (AuthorOrder)request.OrderBy,
            request.PageSize,
            request.PageToken);
        var (page, position, token) = await calls.AskAsync<ListAuthors, Page<AuthorView>>(request, query, context);
        return new()
        {
            Authors = { mapper.Map<Author[]>(page.Items) },
            NextPageToken = page.NextPageToken,
            Position = position,
            ConsistencyToken = token,
        };
    }

    public override async Task<ListDailyActivityResponse> ListDailyActivity(ListDailyActivityRequest request, ServerCallContext context)
    {
        var query = new ListDailyActivity(
            RequestFields.Day(request.StartDay, "start_day"),
            RequestFields.Day(request.EndDay, "end_day"),
            request.PageSize,
            request.PageToken);
        var (page, position, token) = await calls.AskAsync<ListDailyActivity, Page<DailyActivityView>>(request, query, context);
        return new()
        {
            Days = { mapper.Map<DailyActivity[]>(page.Items) },
            NextPageToken = page.NextPageToken,
            Position = position,
            ConsistencyToken = token,
        };
    }
}
