using System.Globalization;
using AutoMapper;
using Blog.Application.Posts;
using Blog.V1;
using Google.Protobuf.WellKnownTypes;
using DomainStatus = Blog.Domain.Posts.PostStatus;
using StateFieldChange = GrpcCqrs.EventSourcing.FieldChange;

namespace Blog.Server;

/// <summary>Maps what queries answer to proto messages. A test asserts that it is complete.</summary>
public sealed class BlogMapping : Profile
{
    public BlogMapping()
    {
        CreateMap<DateTimeOffset, Timestamp>().ConvertUsing(time => Timestamp.FromDateTimeOffset(time));
        CreateMap<DomainStatus, PostStatus>().ConvertUsing(status => (PostStatus)status);
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

    private static Snippet ToSnippet(IEnumerable<TextFragment> fragments)
    {
        var snippet = new Snippet();
        snippet.Fragments.AddRange(fragments.Select(
            fragment => new Snippet.Types.Fragment { Text = fragment.Text, Matched = fragment.Matched }));
        return snippet;
    }
}
