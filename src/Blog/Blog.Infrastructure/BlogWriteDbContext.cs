using GrpcCqrs.Storage.Schema;
using Microsoft.EntityFrameworkCore;

namespace Blog.Infrastructure;

/// <summary>The blog's write database: the engine's schema as it is. The engine migrates it.</summary>
public sealed class BlogWriteDbContext(DbContextOptions options) : WriteDbContext(options);
