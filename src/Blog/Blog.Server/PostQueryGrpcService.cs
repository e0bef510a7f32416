using System.Runtime.ExceptionServices;
using AutoMapper;
using Blog.Application.Posts;
using Blog.V1;
using Google.Protobuf;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Hosting;
using Queries = Blog.Application.Posts;

namespace Blog.Server;

/// <summary>blog.v1.PostQueryService: from proto to query and back, nothing else.</summary>
internal sealed class PostQueryGrpcService(IQueryBus bus, IMapper mapper, CallContexts contexts, StreamWriters writers) : PostQueryService.PostQueryServiceBase
{
    public override async Task<GetPostResponse> GetPost(GetPostRequest request, ServerCallContext context)
    {
        var (post, position, token) = await AskAsync<Queries.GetPost, PostView>(request, request.ConsistencyToken, context);
        return new GetPostResponse { Post = mapper.Map<Post>(post), Position = position, ConsistencyToken = token };
    }

    public override async Task<ListPostsResponse> ListPosts(ListPostsRequest request, ServerCallContext context)
    {
        var (page, position, token) = await AskAsync<Queries.ListPosts, Page<PostSummaryView>>(request, request.ConsistencyToken, context);
        return new ListPostsResponse
        {
            Posts = { mapper.Map<PostSummary[]>(page.Items) }, NextPageToken = page.NextPageToken, Position = position, ConsistencyToken = token,
        };
    }

    public override async Task<SearchPostsResponse> SearchPosts(SearchPostsRequest request, ServerCallContext context)
    {
        var (page, position, token) = await AskAsync<Queries.SearchPosts, Page<SearchHitView>>(request, request.ConsistencyToken, context);
        return new SearchPostsResponse
        {
            Hits = { mapper.Map<SearchHit[]>(page.Items) }, NextPageToken = page.NextPageToken, Position = position, ConsistencyToken = token,
        };
    }

    public override async Task<GetPostHistoryResponse> GetPostHistory(GetPostHistoryRequest request, ServerCallContext context)
    {
        var (page, position, token) = await AskAsync<Queries.GetPostHistory, Page<PostHistoryEntryView>>(request, request.ConsistencyToken, context);
        return new GetPostHistoryResponse
        {
            Entries = { mapper.Map<PostHistoryEntry[]>(page.Items) }, NextPageToken = page.NextPageToken, Position = position, ConsistencyToken = token,
        };
    }

    public override async Task<GetPostAsOfResponse> GetPostAsOf(GetPostAsOfRequest request, ServerCallContext context)
    {
        var (post, position, token) = await AskAsync<Queries.GetPostAsOf, PostView>(request, request.ConsistencyToken, context);
        return new GetPostAsOfResponse { Post = mapper.Map<Post>(post), Position = position, ConsistencyToken = token };
    }

    public override async Task<ListTagsResponse> ListTags(ListTagsRequest request, ServerCallContext context)
    {
        var (page, position, token) = await AskAsync<Queries.ListTags, Page<TagView>>(request, request.ConsistencyToken, context);
        return new ListTagsResponse
        {
            Tags = { mapper.Map<Tag[]>(page.Items) }, NextPageToken = page.NextPageToken, Position = position, ConsistencyToken = token,
        };
    }

    public override Task WatchPosts(WatchPostsRequest request, IServerStreamWriter<WatchPostsResponse> responseStream, ServerCallContext context) => writers.WriteAllAsync(
        cancellationToken => bus.WatchAsync<Queries.WatchPosts, PostChangeView>(ToQuery<Queries.WatchPosts>(request), contexts.ForQuery(request.ConsistencyToken, context), cancellationToken),
        answer => answer.Result switch
        {
            PostChangeView.Present present => new WatchPostsResponse { Post = mapper.Map<PostSummary>(present.Post), Position = answer.Position },
            PostChangeView.Left left => new WatchPostsResponse { LeftPostId = left.PostId, Position = answer.Position },
            PostChangeView.CaughtUp => new WatchPostsResponse { CaughtUp = new(), Position = answer.Position },
            _ => new WatchPostsResponse { Checkpoint = new(), Position = answer.Position },
        },
        answer => answer.Position,
        responseStream,
        context);

    private async Task<(TResult Result, long Position, string Token)> AskAsync<TQuery, TResult>(
        IMessage request, string consistencyToken, ServerCallContext call)
        where TQuery : class
    {
        var query = ToQuery<TQuery>(request);
        var (result, position) = await bus.AskAsync<TQuery, TResult>(query, contexts.ForQuery(consistencyToken, call), call.CancellationToken);
        return (result, position, contexts.Answered(position, call));
    }

    private TQuery ToQuery<TQuery>(IMessage request)
    {
        try
        {
            return mapper.Map<TQuery>(request);
        }
        catch (AutoMapperMappingException exception) when (Refusal(exception) is { } refusal)
        {
            ExceptionDispatchInfo.Throw(refusal);
            throw;
        }
    }

    /// <summary>The refusal that a converter threw, under what AutoMapper wraps it in.</summary>
    private static RejectedException? Refusal(Exception exception)
    {
        for (var inner = exception.InnerException; inner is not null; inner = inner.InnerException)
        {
            if (inner is RejectedException refusal)
            {
                return refusal;
            }
        }

        return null;
    }
}
