using System.Globalization;
using AutoMapper;
using Blog.Application.Posts;
using Blog.V1;
using Google.Protobuf.WellKnownTypes;
using DomainPost = Blog.Domain.Posts.Post;
using DomainStatus = Blog.Domain.Posts.PostStatus;
using StateFieldChange = GrpcCqrs.EventSourcing.FieldChange;

namespace Blog.Server;

/// <summary>
/// Maps what queries answer to proto messages, by name: each view of the application to the message of its name, each property to the
/// field of its name. A new view or property needs no line here. A test asserts that the mapping is complete.
/// </summary>
public sealed class BlogMapping : Profile
{
    private const string Suffix = "View";

    public BlogMapping()
    {
        CreateMap<DateTimeOffset, Timestamp>().ConvertUsing(time => Timestamp.FromDateTimeOffset(time));
        CreateMap<DateOnly, string>().ConvertUsing(day => day.ToString("O", CultureInfo.InvariantCulture));
        CreateMap<DomainStatus, PostStatus>().ConvertUsing(status => (PostStatus)status);
        CreateMap<IReadOnlyList<TextFragment>, Snippet>().ConvertUsing(fragments => ToSnippet(fragments));
        CreateMap<StateFieldChange, V1.FieldChange>();

        // A post's state lies flat in its message.
        CreateMap<DomainPost, Post>(MemberList.None);
        CreateMap<PostView, Post>().IncludeMembers(view => view.Post);
        foreach (var view in Views.Where(view => view != typeof(PostView)))
        {
            CreateMap(view, MessageOf(view));
        }
    }

    /// <summary>The views that are one message each.</summary>
    private static IEnumerable<System.Type> Views => typeof(PostView).Assembly.GetExportedTypes()
        .Where(type => type is { IsAbstract: false, IsNested: false } && type.Name.EndsWith(Suffix, StringComparison.Ordinal));

    private static System.Type MessageOf(System.Type view) =>
        typeof(Post).Assembly.GetType($"{typeof(Post).Namespace}.{view.Name[..^Suffix.Length]}")
        ?? throw new InvalidOperationException($"There is no message {view.Name[..^Suffix.Length]} in protos/blog for {view.Name}: call one by the other's name.");

    private static Snippet ToSnippet(IEnumerable<TextFragment> fragments)
    {
        var snippet = new Snippet();
        snippet.Fragments.AddRange(fragments.Select(
            fragment => new Snippet.Types.Fragment { Text = fragment.Text, Matched = fragment.Matched }));
        return snippet;
    }
}
