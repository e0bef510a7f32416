using GrpcCqrs.Storage;
using Microsoft.EntityFrameworkCore;

namespace Blog.Infrastructure;

/// <summary>The blog's write database: the engine's schema as it is.</summary>
public abstract class BlogWriteDbContext(DbContextOptions options) : WriteDbContext(options);

/// <summary>The write database on SQLite, with migrations of its own.</summary>
public sealed class SqliteBlogWriteDbContext(DbContextOptions options) : BlogWriteDbContext(options);

/// <summary>The write database on PostgreSQL, with migrations of its own.</summary>
public sealed class PostgreSqlBlogWriteDbContext(DbContextOptions options) : BlogWriteDbContext(options);

/// <summary>The write database on SQL Server, with migrations of its own.</summary>
public sealed class SqlServerBlogWriteDbContext(DbContextOptions options) : BlogWriteDbContext(options);
