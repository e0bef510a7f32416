using Blog.Domain.Posts;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Blog.Infrastructure;

/// <summary>
/// The blog's read database: denormalised tables, each written by one projection and each there twice (<see cref="TableSlots"/>). Times are microseconds since 1970 in UTC; tags
/// are a JSON array in alphabetical order. EF Core keeps the schema; projections and queries use Dapper.
/// </summary>
public abstract class BlogReadDbContext(DbContextOptions options) : ReadDbContext(options)
{
    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);
        for (var slot = 0; slot < TableSlots.Count; slot++)
        {
            AddPosts(modelBuilder, slot);
            AddTags(modelBuilder, slot);
            AddStatistics(modelBuilder, slot);
            AddSearch(modelBuilder, slot);
        }
    }

    /// <summary>Adds the tables of search, which differ between databases; see <see cref="Posts.PostSearchIndex"/>.</summary>
    protected abstract void AddSearch(ModelBuilder modelBuilder, int slot);

    private static void AddPosts(ModelBuilder modelBuilder, int slot)
    {
        AddTable<PostDetailsRow>(modelBuilder, slot, "post_details", row =>
        {
            ConfigureSummary(row);
            row.Property(p => p.Content).HasColumnName("content");
            row.HasIndex(p => p.Slug).HasDatabaseName(TableSlots.NameIn(slot, "ix_post_details_slug"));
        });
        AddTable<PostListRow>(modelBuilder, slot, "post_list", row =>
        {
            ConfigureSummary(row);
            row.HasIndex(p => new { p.CreateTime, p.PostId }).HasDatabaseName(TableSlots.NameIn(slot, "ix_post_list_create"));
            row.HasIndex(p => new { p.UpdateTime, p.PostId }).HasDatabaseName(TableSlots.NameIn(slot, "ix_post_list_update"));
            row.HasIndex(p => new { p.PublishTime, p.PostId }).HasDatabaseName(TableSlots.NameIn(slot, "ix_post_list_publish"));
            row.HasIndex(p => new { p.Title, p.PostId }).HasDatabaseName(TableSlots.NameIn(slot, "ix_post_list_title"));
            row.HasIndex(p => new { p.Author, p.CreateTime, p.PostId }).HasDatabaseName(TableSlots.NameIn(slot, "ix_post_list_author"));
        });
        AddTable<PostListTagRow>(modelBuilder, slot, "post_list_tags", row =>
        {
            row.HasKey(t => new { t.Tag, t.PostId });
            row.Property(t => t.Tag).HasColumnName("tag").HasMaxLength(2 * PostRules.MaxTagLength);
            row.Property(t => t.PostId).HasColumnName("post_id").HasMaxLength(36);
            row.HasIndex(t => t.PostId).HasDatabaseName(TableSlots.NameIn(slot, "ix_post_list_tags_post"));
        });
    }

    private static void AddTags(ModelBuilder modelBuilder, int slot)
    {
        AddTable<TagPostRow>(modelBuilder, slot, "tag_posts", row =>
        {
            row.HasKey(t => new { t.PostId, t.Tag });
            row.Property(t => t.PostId).HasColumnName("post_id").HasMaxLength(36);
            row.Property(t => t.Tag).HasColumnName("tag").HasMaxLength(2 * PostRules.MaxTagLength);
        });
        AddTable<TagPublishedRow>(modelBuilder, slot, "tag_published_posts", row =>
        {
            row.HasKey(t => t.PostId);
            row.Property(t => t.PostId).HasColumnName("post_id").HasMaxLength(36);
        });
        AddTable<TagCountRow>(modelBuilder, slot, "tag_counts", row =>
        {
            row.HasKey(t => t.Tag);
            row.Property(t => t.Tag).HasColumnName("tag").HasMaxLength(2 * PostRules.MaxTagLength);
            row.Property(t => t.PostCount).HasColumnName("post_count");
            row.Property(t => t.PublishedCount).HasColumnName("published_count");
        });
    }

    private static void AddStatistics(ModelBuilder modelBuilder, int slot)
    {
        AddTable<AuthorPostRow>(modelBuilder, slot, "author_posts", row =>
        {
            row.HasKey(p => p.PostId);
            row.Property(p => p.PostId).HasColumnName("post_id").HasMaxLength(36);
            row.Property(p => p.Author).HasColumnName("author").HasMaxLength(2 * PostRules.MaxTitleLength);
            row.Property(p => p.IsPublished).HasColumnName("is_published");
            row.Property(p => p.EditCount).HasColumnName("edit_count");
        });
        AddTable<AuthorStatisticsRow>(modelBuilder, slot, "author_statistics", row =>
        {
            row.HasKey(a => a.Author);
            row.Property(a => a.Author).HasColumnName("author").HasMaxLength(2 * PostRules.MaxTitleLength);
            row.Property(a => a.PostCount).HasColumnName("post_count");
            row.Property(a => a.PublishedCount).HasColumnName("published_count");
            row.Property(a => a.EditCount).HasColumnName("edit_count");
        });
        AddTable<DailyPostActivityRow>(modelBuilder, slot, "daily_post_activity", row =>
        {
            row.HasKey(d => new { d.PostId, d.Day });
            row.Property(d => d.PostId).HasColumnName("post_id").HasMaxLength(36);
            ConfigureDay(row);
        });
        AddTable<DailyActivityRow>(modelBuilder, slot, "daily_activity", row =>
        {
            row.HasKey(d => d.Day);
            row.Property(d => d.Day).ValueGeneratedNever();
            ConfigureDay(row);
        });
    }

    /// <summary>Adds a projection's table in a slot.</summary>
    protected static void AddTable<TRow>(ModelBuilder modelBuilder, int slot, string table, Action<EntityTypeBuilder<TRow>> configure)
        where TRow : class
    {
        var name = TableSlots.NameIn(slot, table);
        modelBuilder.SharedTypeEntity<TRow>(name, row =>
        {
            row.ToTable(name);
            configure(row);
        });
    }

    private static void ConfigureDay<TRow>(EntityTypeBuilder<TRow> row)
        where TRow : ActivityRow
    {
        row.Property(d => d.Day).HasColumnName("day");
        row.Property(d => d.CreatedCount).HasColumnName("created_count");
        row.Property(d => d.EditedCount).HasColumnName("edited_count");
        row.Property(d => d.PublishedCount).HasColumnName("published_count");
        row.Property(d => d.DeletedCount).HasColumnName("deleted_count");
    }

    private static void ConfigureSummary<TRow>(EntityTypeBuilder<TRow> row)
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

/// <summary>A row of <c>author_posts</c>: what a post adds to its author's statistics.</summary>
public sealed class AuthorPostRow
{
    /// <summary>The post.</summary>
    public required string PostId { get; set; }

    /// <summary>Who wrote it.</summary>
    public required string Author { get; set; }

    /// <summary>1 where it is published now, else 0.</summary>
    public int IsPublished { get; set; }

    /// <summary>How often its title or content was changed.</summary>
    public long EditCount { get; set; }
}

/// <summary>A row of <c>author_statistics</c>; deleted posts do not count.</summary>
public sealed class AuthorStatisticsRow
{
    /// <summary>The author.</summary>
    public required string Author { get; set; }

    /// <summary>How many posts are theirs.</summary>
    public long PostCount { get; set; }

    /// <summary>How many of these are published.</summary>
    public long PublishedCount { get; set; }

    /// <summary>How often their titles or contents were changed.</summary>
    public long EditCount { get; set; }
}

/// <summary>What happened on a day in UTC; deleted posts' past counts too.</summary>
public abstract class ActivityRow
{
    /// <summary>Days since 1970-01-01.</summary>
    public int Day { get; set; }

    /// <summary>Posts created.</summary>
    public long CreatedCount { get; set; }

    /// <summary>Titles and contents changed.</summary>
    public long EditedCount { get; set; }

    /// <summary>Posts published.</summary>
    public long PublishedCount { get; set; }

    /// <summary>Posts deleted.</summary>
    public long DeletedCount { get; set; }
}

/// <summary>A row of <c>daily_post_activity</c>: what one post adds to a day.</summary>
public sealed class DailyPostActivityRow : ActivityRow
{
    /// <summary>The post.</summary>
    public required string PostId { get; set; }
}

/// <summary>A row of <c>daily_activity</c>.</summary>
public sealed class DailyActivityRow : ActivityRow;
