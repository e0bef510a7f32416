using GrpcCqrs.EventSourcing;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using NpgsqlTypes;

namespace Blog.Infrastructure;

/// <summary>The read database on SQLite, with migrations of its own. They make the FTS5 tables <c>post_search</c> too, which EF Core does not know.</summary>
public sealed class SqliteBlogReadDbContext(DbContextOptions options) : BlogReadDbContext(options)
{
    /// <inheritdoc/>
    protected override void AddSearch(ModelBuilder modelBuilder, int slot) => AddTable<PostSearchRow>(modelBuilder, slot, "post_search_rows", row =>
    {
        row.HasKey(p => p.RowId);
        row.Property(p => p.RowId).HasColumnName("row_id").ValueGeneratedOnAdd();
        row.Property(p => p.PostId).HasColumnName("post_id").HasMaxLength(36);
        row.HasIndex(p => p.PostId).IsUnique().HasDatabaseName(TableSlots.NameIn(slot, "ux_post_search_rows_post"));
    });
}

/// <summary>
/// The read database on PostgreSQL, with migrations of its own. They make the GIN index over both vectors of <c>post_search</c> too, since
/// EF Core knows no index over an expression.
/// </summary>
public sealed class PostgreSqlBlogReadDbContext(DbContextOptions options) : BlogReadDbContext(options)
{
    /// <inheritdoc/>
    protected override void AddSearch(ModelBuilder modelBuilder, int slot) => AddTable<PostVectorRow>(modelBuilder, slot, "post_search", row =>
    {
        PostWordsRow.Configure(row);
        row.Property(p => p.TitleVector).HasColumnName("title_vector");
        row.Property(p => p.ContentVector).HasColumnName("content_vector");
    });
}

/// <summary>The read database on SQL Server, with migrations of its own.</summary>
public sealed class SqlServerBlogReadDbContext(DbContextOptions options) : BlogReadDbContext(options)
{
    /// <inheritdoc/>
    protected override void AddSearch(ModelBuilder modelBuilder, int slot) =>
        AddTable<PostWordsRow>(modelBuilder, slot, "post_search", PostWordsRow.Configure);
}

/// <summary>A row of <c>post_search_rows</c>: which row of the full-text index belongs to which post.</summary>
public sealed class PostSearchRow
{
    /// <summary>The row in the index.</summary>
    public long RowId { get; set; }

    /// <summary>The post.</summary>
    public required string PostId { get; set; }
}

/// <summary>A row of <c>post_search</c> on a database server.</summary>
public class PostWordsRow
{
    /// <summary>The post.</summary>
    public required string PostId { get; set; }

    /// <summary>Its title.</summary>
    public required string Title { get; set; }

    /// <summary>Its content.</summary>
    public required string Content { get; set; }

    /// <summary>The title's words as search compares them, a space before, between and behind them.</summary>
    public required string TitleWords { get; set; }

    /// <summary>The content's words, likewise.</summary>
    public required string ContentWords { get; set; }

    internal static void Configure<TRow>(EntityTypeBuilder<TRow> row)
        where TRow : PostWordsRow
    {
        row.HasKey(p => p.PostId);
        row.Property(p => p.PostId).HasColumnName("post_id").HasMaxLength(36);
        row.Property(p => p.Title).HasColumnName("title");
        row.Property(p => p.Content).HasColumnName("content");
        row.Property(p => p.TitleWords).HasColumnName("title_words");
        row.Property(p => p.ContentWords).HasColumnName("content_words");
    }
}

/// <summary>A row of <c>post_search</c> on PostgreSQL.</summary>
public sealed class PostVectorRow : PostWordsRow
{
    /// <summary>The title's words with weight A.</summary>
    public required NpgsqlTsVector TitleVector { get; set; }

    /// <summary>The content's words with weight D.</summary>
    public required NpgsqlTsVector ContentVector { get; set; }
}
