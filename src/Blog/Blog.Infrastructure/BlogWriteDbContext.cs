using GrpcCqrs.Storage;
using Microsoft.EntityFrameworkCore;

namespace Blog.Infrastructure;

/// <summary>The blog's write database: the engine's schema as it is.</summary>
public abstract class BlogWriteDbContext(DbContextOptions options) : WriteDbContext(options);

/// <summary>The write database on SQLite, with migrations of its own.</summary>
public sealed class SqliteBlogWriteDbContext(DbContextOptions options) : BlogWriteDbContext(options)
{
    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);

        // SQLite numbers the rows all the same; AUTOINCREMENT would change a row of another table with each.
        modelBuilder.Entity<AuditRow>().Property(row => row.Id).ValueGeneratedNever();
    }
}

/// <summary>The write database on PostgreSQL, with migrations of its own.</summary>
public sealed class PostgreSqlBlogWriteDbContext(DbContextOptions options) : BlogWriteDbContext(options);

/// <summary>The write database on SQL Server, with migrations of its own.</summary>
public sealed class SqlServerBlogWriteDbContext(DbContextOptions options) : BlogWriteDbContext(options);
