using GrpcCqrs.Storage.Projections;
using Microsoft.EntityFrameworkCore;

namespace Blog.Infrastructure;

/// <summary>
/// The blog's read database: denormalised tables, each declared by the row class of the projection that writes it, beside the queries
/// that read it. Times are microseconds since 1970 in UTC. Projections and queries use Dapper; EF Core creates the tables.
/// </summary>
public sealed class BlogReadDbContext(DbContextOptions options) : ReadDbContext(options);
