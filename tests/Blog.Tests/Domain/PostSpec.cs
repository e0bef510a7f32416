using System.Diagnostics;
using Blog.Domain.Posts;
using GrpcCqrs.Testing;

namespace Blog.Tests.Domain;

/// <summary>Where the specs of a post start.</summary>
internal static class PostSpec
{
    public const string Id = "0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11";

    public static readonly PostCreated Created = new("Title", "Content", "title", "Ada", ["csharp", "grpc"]);

    /// <summary>No post yet.</summary>
    public static AggregateSpec<Post, PostEvent> NoPost => Spec.For<Post, PostEvent>(Id);

    /// <summary>A draft at version 1.</summary>
    public static AggregateSpec<Post, PostEvent> Draft => NoPost.Given(Created);

    /// <summary>A post in each status, reached on the shortest way.</summary>
    public static AggregateSpec<Post, PostEvent> In(PostStatus status) => status switch
    {
        PostStatus.None => NoPost,
        PostStatus.Draft => Draft,
        PostStatus.Published => Draft.Given(new PostPublished()),
        PostStatus.Archived => Draft.Given(new PostPublished(), new PostArchived()),
        PostStatus.Deleted => Draft.Given(new PostDeleted()),
        _ => throw new UnreachableException($"PostSpec.In has no way to a post that is {status}: add one."),
    };
}
