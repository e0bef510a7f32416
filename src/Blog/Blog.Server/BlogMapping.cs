using System.Globalization;
using AutoMapper;
using Blog.Application.Posts;
using Blog.V1;
using Google.Protobuf.WellKnownTypes;
using GrpcCqrs.EventSourcing;
using DomainStatus = Blog.Domain.Posts.PostStatus;
using Messages = Blog.Application.Posts;
using StateFieldChange = GrpcCqrs.EventSourcing.FieldChange;

namespace Blog.Server;

/// <summary>The one profile that maps protos to application types and back. A test asserts that it is complete.</summary>
public sealed class BlogMapping : Profile
{
    /// <summary>More statuses than there are is a mistake or an attack.</summary>
    private const int MaxStatuses = 8;

    public BlogMapping()
    {
        CreateMap<DateTimeOffset, Timestamp>().ConvertUsing(time => Timestamp.FromDateTimeOffset(time));
        CreateMap<DomainStatus, PostStatus>().ConvertUsing(status => (PostStatus)status);
        MapCommands();
        MapReplies();
        MapQueries();
        MapViews();
    }

    private void MapCommands()
    {
        CreateMap<CreatePostRequest, Messages.CreatePost>();
        CreateMap<ChangePostTitleRequest, Messages.ChangePostTitle>();
        CreateMap<EditPostContentRequest, Messages.EditPostContent>();
        CreateMap<PublishPostRequest, Messages.PublishPost>();
        CreateMap<UnpublishPostRequest, Messages.UnpublishPost>();
        CreateMap<ArchivePostRequest, Messages.ArchivePost>();
        CreateMap<AddPostTagsRequest, Messages.AddPostTags>();
        CreateMap<RemovePostTagsRequest, Messages.RemovePostTags>();
        CreateMap<DeletePostRequest, Messages.DeletePost>();
        CreateMap<RestorePostRequest, Messages.RestorePost>();
    }

    private void MapReplies()
    {
        CreateMap<CommandReply, CreatePostResponse>();
        CreateMap<CommandReply, ChangePostTitleResponse>();
        CreateMap<CommandReply, EditPostContentResponse>();
        CreateMap<CommandReply, PublishPostResponse>();
        CreateMap<CommandReply, UnpublishPostResponse>();
        CreateMap<CommandReply, ArchivePostResponse>();
        CreateMap<CommandReply, AddPostTagsResponse>();
        CreateMap<CommandReply, RemovePostTagsResponse>();
        CreateMap<CommandReply, DeletePostResponse>();
        CreateMap<CommandReply, RestorePostResponse>();
    }

    private void MapQueries()
    {
        CreateMap<GetPostRequest, Messages.GetPost>();
        CreateMap<ListPostsRequest, Messages.ListPosts>().ConvertUsing(request => new Messages.ListPosts(
            Statuses(request.Statuses),
            request.Tag,
            request.Author,
            Range(request.Created, "created"),
            Range(request.Updated, "updated"),
            Range(request.Published, "published"),
            request.OrderBy == V1.PostOrder.Unspecified ? Messages.PostOrder.CreateTime : (Messages.PostOrder)request.OrderBy,
            IsDescending(request),
            request.PageSize,
            request.PageToken));
        CreateMap<SearchPostsRequest, Messages.SearchPosts>().ConvertUsing(request => new Messages.SearchPosts(
            request.Query, Statuses(request.Statuses), request.Tag, request.PageSize, request.PageToken));
        CreateMap<GetPostHistoryRequest, Messages.GetPostHistory>();
        CreateMap<GetPostAsOfRequest, Messages.GetPostAsOf>().ConvertUsing(request => new Messages.GetPostAsOf(
            request.PostId, request.PointCase == GetPostAsOfRequest.PointOneofCase.Version ? request.Version : null, Time(request.Time, "time")));
        CreateMap<ListTagsRequest, Messages.ListTags>();
        CreateMap<WatchPostsRequest, Messages.WatchPosts>().ConvertUsing(request => new Messages.WatchPosts(
            Statuses(request.Statuses), request.Tag, request.Author, request.HasAfterPosition ? request.AfterPosition : null));
        CreateMap<ListAuthorsRequest, Messages.ListAuthors>().ConvertUsing(request => new Messages.ListAuthors(
            request.Prefix,
            request.OrderBy == V1.AuthorOrder.Unspecified ? Messages.AuthorOrder.Name : (Messages.AuthorOrder)request.OrderBy,
            request.PageSize,
            request.PageToken));
        CreateMap<ListDailyActivityRequest, Messages.ListDailyActivity>().ConvertUsing(request => new Messages.ListDailyActivity(
            Day(request.StartDay, "start_day"), Day(request.EndDay, "end_day"), request.PageSize, request.PageToken));
    }

    private void MapViews()
    {
        CreateMap<PostView, Post>();
        CreateMap<PostSummaryView, PostSummary>();
        CreateMap<SearchHitView, SearchHit>();
        CreateMap<IReadOnlyList<TextFragment>, Snippet>().ConvertUsing(fragments => ToSnippet(fragments));
        CreateMap<PostHistoryEntryView, PostHistoryEntry>();
        CreateMap<StateFieldChange, V1.FieldChange>();
        CreateMap<TagView, Tag>();
        CreateMap<AuthorView, Author>();
        CreateMap<DateOnly, string>().ConvertUsing(day => day.ToString("O", CultureInfo.InvariantCulture));
        CreateMap<DailyActivityView, DailyActivity>();
    }

    private static DomainStatus[] Statuses(IReadOnlyCollection<PostStatus> statuses)
    {
        if (statuses.Count > MaxStatuses)
        {
            throw RejectedException.Invalid(new FieldViolation("statuses", $"Must be at most {MaxStatuses}."));
        }

        var wanted = statuses.Distinct().ToArray();
        return wanted.Contains(PostStatus.Unspecified) ? [] : [.. wanted.Select(status => (DomainStatus)status)];
    }

    private static bool IsDescending(ListPostsRequest request) => request.Direction switch
    {
        SortDirection.Unspecified => request.OrderBy != V1.PostOrder.Title,
        SortDirection.Ascending => false,
        SortDirection.Descending => true,
        _ => throw RejectedException.Invalid(new FieldViolation("direction", "Must be a known direction.")),
    };

    private static Application.Posts.TimeRange? Range(V1.TimeRange? range, string field) => range is null
        ? null
        : new Application.Posts.TimeRange(Time(range.StartTime, $"{field}.start_time"), Time(range.EndTime, $"{field}.end_time"));

    private static DateTimeOffset? Time(Timestamp? timestamp, string field)
    {
        try
        {
            return timestamp?.ToDateTimeOffset();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentOutOfRangeException)
        {
            throw RejectedException.Invalid(new FieldViolation(field, "Must be a time from the year 1 to 9999 with 0 to 999,999,999 nanoseconds."));
        }
    }

    private static DateOnly? Day(string text, string field) => text.Length == 0
        ? null
        : DateOnly.TryParseExact(text, "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw RejectedException.Invalid(new FieldViolation(field, "Must be a day, such as 2026-11-20."));

    private static Snippet ToSnippet(IEnumerable<TextFragment> fragments)
    {
        var snippet = new Snippet();
        snippet.Fragments.AddRange(fragments.Select(
            fragment => new Snippet.Types.Fragment { Text = fragment.Text, Matched = fragment.Matched }));
        return snippet;
    }
}
