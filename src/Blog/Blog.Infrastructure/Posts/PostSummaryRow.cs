using System.ComponentModel.DataAnnotations;
using System.ComponentModel.DataAnnotations.Schema;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using GrpcCqrs.Storage;

namespace Blog.Infrastructure.Posts;

/// <summary>What a list shows of a post: the columns that <c>post_details</c> and <c>post_list</c> have in common.</summary>
public abstract class PostSummaryRow
{
    /// <summary>The post's UUID.</summary>
    [Key]
    [MaxLength(36)]
    public required string PostId { get; set; }

    /// <summary>Its name in addresses.</summary>
    [MaxLength(PostRules.MaxSlugLength)]
    public required string Slug { get; set; }

    /// <summary>Its title.</summary>
    [MaxLength(2 * PostRules.MaxTitleLength)]
    public required string Title { get; set; }

    /// <summary>A <see cref="PostStatus"/> as number.</summary>
    public required int Status { get; set; }

    /// <summary>Who wrote it.</summary>
    [MaxLength(2 * PostRules.MaxTitleLength)]
    public required string Author { get; set; }

    /// <summary>A JSON array in alphabetical order.</summary>
    public required string Tags { get; set; }

    /// <summary>The number of its events.</summary>
    public required long Version { get; set; }

    /// <summary>When it was created.</summary>
    [Column("create_us")]
    public required long CreateTime { get; set; }

    /// <summary>When it last changed.</summary>
    [Column("update_us")]
    public required long UpdateTime { get; set; }

    /// <summary>When it was last published; 0 where it never was, so that it sorts first without a null's special rules.</summary>
    [Column("publish_us")]
    public required long PublishTime { get; set; }

    /// <summary>The state that the row holds.</summary>
    internal PostFold ToFold(string content) => new(
        new Post
        {
            Id = PostId,
            Slug = Slug,
            Title = Title,
            Content = content,
            Status = (PostStatus)Status,
            Author = Author,
            Tags = TagsColumn.Read(Tags),
        },
        Version,
        CreateTime,
        UpdateTime,
        PublishTime);

    /// <summary>The answer that the row gives.</summary>
    internal PostSummaryView ToView() => new(
        PostId,
        Slug,
        Title,
        (PostStatus)Status,
        Author,
        TagsColumn.ReadItems(Tags),
        Version,
        UnixMicroseconds.ToTime(CreateTime),
        UnixMicroseconds.ToTime(UpdateTime),
        PublishTime == 0 ? null : UnixMicroseconds.ToTime(PublishTime));
}
