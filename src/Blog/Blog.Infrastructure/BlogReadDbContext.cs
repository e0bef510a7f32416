using Blog.Domain.Posts;
using GrpcCqrs.Storage;
using Microsoft.EntityFrameworkCore;

namespace Blog.Infrastructure;

/// <summary>
/// The blog's read database: denormalised tables, each written by one projection. Times are microseconds since 1970 in UTC; tags
/// are a JSON array in alphabetical order. EF Core keeps the schema; projections and queries use Dapper.
/// </summary>
public abstract class BlogReadDbContext(DbContextOptions options) : ReadDbContext(options)
{
    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);
        modelBuilder.Entity<PostDetailsRow>(row =>
        {
            row.ToTable("post_details");
            ConfigureSummary(row);
            row.Property(p => p.Content).HasColumnName("content");
            row.HasIndex(p => p.Slug).HasDatabaseName("ix_post_details_slug");
        });
        modelBuilder.Entity<PostListRow>(row =>
        {
            row.ToTable("post_list");
            ConfigureSummary(row);
            row.HasIndex(p => new { p.CreateTime, p.PostId }).HasDatabaseName("ix_post_list_create");
            row.HasIndex(p => new { p.UpdateTime, p.PostId }).HasDatabaseName("ix_post_list_update");
            row.HasIndex(p => new { p.PublishTime, p.PostId }).HasDatabaseName("ix_post_list_publish");
            row.HasIndex(p => new { p.Title, p.PostId }).HasDatabaseName("ix_post_list_title");
            row.HasIndex(p => new { p.Author, p.CreateTime, p.PostId }).HasDatabaseName("ix_post_list_author");
        });
        modelBuilder.Entity<PostListTagRow>(row =>
        {
            row.ToTable("post_list_tags");
            row.HasKey(t => new { t.Tag, t.PostId });
            row.Property(t => t.Tag).HasColumnName("tag").HasMaxLength(2 * PostRules.MaxTagLength);
            row.Property(t => t.PostId).HasColumnName("post_id").HasMaxLength(36);
            row.HasIndex(t => t.PostId).HasDatabaseName("ix_post_list_tags_post");
        });
        modelBuilder.Entity<TagPostRow>(row =>
        {
            row.ToTable("tag_posts");
            row.HasKey(t => new { t.PostId, t.Tag });
            row.Property(t => t.PostId).HasColumnName("post_id").HasMaxLength(36);
            row.Property(t => t.Tag).HasColumnName("tag").HasMaxLength(2 * PostRules.MaxTagLength);
        });
        modelBuilder.Entity<TagPublishedRow>(row =>
        {
            row.ToTable("tag_published_posts");
            row.HasKey(t => t.PostId);
            row.Property(t => t.PostId).HasColumnName("post_id").HasMaxLength(36);
        });
        modelBuilder.Entity<TagCountRow>(row =>
        {
            row.ToTable("tag_counts");
            row.HasKey(t => t.Tag);
            row.Property(t => t.Tag).HasColumnName("tag").HasMaxLength(2 * PostRules.MaxTagLength);
            row.Property(t => t.PostCount).HasColumnName("post_count");
            row.Property(t => t.PublishedCount).HasColumnName("published_count");
        });
        modelBuilder.Entity<PostSearchRow>(row =>
        {
            row.ToTable("post_search_rows");
            row.HasKey(p => p.RowId);
            row.Property(p => p.RowId).HasColumnName("row_id").ValueGeneratedOnAdd();
            row.Property(p => p.PostId).HasColumnName("post_id").HasMaxLength(36);
            row.HasIndex(p => p.PostId).IsUnique().HasDatabaseName("ux_post_search_rows_post");
        });
    }

    private static void ConfigureSummary<TRow>(Microsoft.EntityFrameworkCore.Metadata.Builders.EntityTypeBuilder<TRow> row)
        where TRow : PostSummaryRow
    {
        row.HasKey(p => p.PostId);
        row.Property(p => p.PostId).HasColumnName("post_id").HasMaxLength(36);
        row.Property(p => p.Slug).HasColumnName("slug").HasMaxLength(PostRules.MaxSlugLength);
        row.Property(p => p.Title).HasColumnName("title").HasMaxLength(2 * PostRules.MaxTitleLength);
        row.Property(p => p.Status).HasColumnName("status");
        row.Property(p => p.Author).HasColumnName("author").HasMaxLength(2 * PostRules.MaxTitleLength);
        row.Property(p => p.Tags).HasColumnName("tags");
        row.Property(p => p.Version).HasColumnName("version");
        row.Property(p => p.CreateTime).HasColumnName("create_us");
        row.Property(p => p.UpdateTime).HasColumnName("update_us");
        row.Property(p => p.PublishTime).HasColumnName("publish_us");
    }
}

/// <summary>The read database on SQLite, with migrations of its own.</summary>
public sealed class SqliteBlogReadDbContext(DbContextOptions options) : BlogReadDbContext(options);

/// <summary>What a list shows of a post.</summary>
public abstract class PostSummaryRow
{
    /// <summary>The post's UUID.</summary>
    public required string PostId { get; set; }

    /// <summary>Its name in addresses.</summary>
    public required string Slug { get; set; }

    /// <summary>Its title.</summary>
    public required string Title { get; set; }

    /// <summary>A <see cref="PostStatus"/> as number.</summary>
    public int Status { get; set; }

    /// <summary>Who wrote it.</summary>
    public required string Author { get; set; }

    /// <summary>A JSON array.</summary>
    public required string Tags { get; set; }

    /// <summary>The number of its events.</summary>
    public long Version { get; set; }

    /// <summary>When it was created.</summary>
    public long CreateTime { get; set; }

    /// <summary>When it last changed.</summary>
    public long UpdateTime { get; set; }

    /// <summary>When it was last published; 0 where it never was, so that it sorts first without a null's special rules.</summary>
    public long PublishTime { get; set; }
}

/// <summary>A row of <c>post_details</c>.</summary>
public sealed class PostDetailsRow : PostSummaryRow
{
    /// <summary>The content.</summary>
    public required string Content { get; set; }
}

/// <summary>A row of <c>post_list</c>.</summary>
public sealed class PostListRow : PostSummaryRow;

/// <summary>A row of <c>post_list_tags</c>.</summary>
public sealed class PostListTagRow
{
    /// <summary>The tag.</summary>
    public required string Tag { get; set; }

    /// <summary>The post that carries it.</summary>
    public required string PostId { get; set; }
}

/// <summary>A row of <c>tag_posts</c>: what the tag counts were counted from.</summary>
public sealed class TagPostRow
{
    /// <summary>The post.</summary>
    public required string PostId { get; set; }

    /// <summary>A tag that it carries.</summary>
    public required string Tag { get; set; }
}

/// <summary>A row of <c>tag_published_posts</c>: a post that is published now.</summary>
public sealed class TagPublishedRow
{
    /// <summary>The post.</summary>
    public required string PostId { get; set; }
}

/// <summary>A row of <c>tag_counts</c>.</summary>
public sealed class TagCountRow
{
    /// <summary>The tag.</summary>
    public required string Tag { get; set; }

    /// <summary>How many posts carry it.</summary>
    public long PostCount { get; set; }

    /// <summary>How many of these are published.</summary>
    public long PublishedCount { get; set; }
}

/// <summary>A row of <c>post_search_rows</c>: which row of the full-text index belongs to which post.</summary>
public sealed class PostSearchRow
{
    /// <summary>The row in the index.</summary>
    public long RowId { get; set; }

    /// <summary>The post.</summary>
    public required string PostId { get; set; }
}
